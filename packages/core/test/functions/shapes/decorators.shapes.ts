// @ts-nocheck The project itself does not enable decorators; users' do.
import { shape, type Shape } from './shape.ts';

const log: string[] = [];
function traced(_target: unknown, key: string, descriptor: PropertyDescriptor): void {
  const original = descriptor.value;
  descriptor.value = function (this: unknown, ...args: unknown[]) {
    return `traced ${key} ${original.apply(this, args)}`;
  };
}
function registered(cls: unknown): void {
  log.push((cls as { name: string }).name);
  (cls as { tag?: string }).tag = 'registered';
}
@registered
class Service {
  prefix = '>';
  @traced
  run(x: number): string {
    return `${this.prefix}${x}`;
  }
}

/** Legacy decorators, as tsx, tsc and esbuild compile them. */
export const decorators: Shape[] = [
  shape('decorated class', 2, (ship) =>
    ship((x: number) => [new Service().run(x), (Service as unknown as { tag: string }).tag]),
  ),
  shape('instance of a decorated class', 2, (ship) => {
    const service = new Service();
    service.prefix = '>>';
    ship((x: number) => [service.run(x), service instanceof Service, log]);
  }),
];
