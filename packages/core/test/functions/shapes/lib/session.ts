/** State of a program that it changes while it runs. */
export const session = { url: 'unset', limits: { tries: 1 }, parse: (text: string): number => Number(text) };
