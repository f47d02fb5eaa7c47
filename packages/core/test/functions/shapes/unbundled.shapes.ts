import { shape, type Shape } from './shape.ts';

/** What JavaScript allows and bundlers refuse. */
export const unbundled: Shape[] = [
  shape('assigning to a captured const throws', 1, (ship) => {
    const fixed = { n: 1 }.n;
    const change = new Function('return 1') as () => number;
    ship(() => {
      try {
        // @ts-expect-error that is the point
        // eslint-disable-next-line no-const-assign -- this shape is what is tried
        fixed = change();
        return 'assigned';
      } catch (error) {
        return [(error as Error).name, fixed];
      }
    });
  }),
];
