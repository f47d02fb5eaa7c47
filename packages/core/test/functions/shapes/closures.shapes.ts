import { shape, type Shape } from './shape.ts';

let total = 10;
const addToTotal = (x: number): number => (total += x);
const readTotal = (): number => total;
const neverChanged = 5;

function makeCounter(start: number) {
  let count = start;
  return { increment: () => (count += 1), read: () => count, decrement: () => (count -= 1) };
}

export const closures: Shape[] = [
  shape('13 mutable let captured', 3, (ship) => {
    let mine = 1;
    const bump = (): void => {
      mine += 1;
    };
    bump();
    ship((x: number) => {
      mine += x;
      return mine;
    });
  }),
  shape('14 two closures share a let', 3, (ship) =>
    ship((x: number) => [addToTotal(x), readTotal(), total, neverChanged]),
  ),
  shape('15 two counters of one factory, same value', 1, (ship) => {
    const a = makeCounter(0);
    const b = makeCounter(0);
    ship(() => [a.increment(), a.increment(), b.increment(), a.read(), b.read()]);
  }),
  shape('a shared variable in every position', 2, (ship) => {
    let v = 1;
    let list: number[] = [];
    let call = (x: number): number => x;
    const set = (): void => {
      v = 4;
      list = [9];
      call = (x) => x * 2;
    };
    ship((x: number) => {
      const before = { v, list };
      v += x;
      v++;
      [v = 5] = [v];
      ({ v } = { v: v + 1 });
      ({ v = 3 } = { v });
      for (v of [v, v + 10]) list = [...list, v];
      const tagged = call(3);
      set();
      return [before, v, list, tagged, call(3), typeof v, `${v}`];
    });
  }),
  shape('a declared function that was reassigned', 2, (ship) => {
    function original(x: number): string {
      return `original ${x}`;
    }
    const before = original;
    // @ts-expect-error JavaScript allows it
    // eslint-disable-next-line no-func-assign -- this shape is what is tried
    original = (x: number) => `wrapped ${before(x)}`;
    ship((x: number) => original(x));
  }),
  shape('recursion between a local closure and its variable', 4, (ship) => {
    const walk: { f?: (n: number) => number } = {};
    walk.f = (n) => (n === 0 ? 0 : n + (walk.f?.(n - 1) ?? 0));
    ship((x: number) => walk.f?.(x));
  }),
];
