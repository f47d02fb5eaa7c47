/** Numbers and names as the pictures show them. */
const NUMBER = new Intl.NumberFormat('en-US');

export const count = (value: number): string => NUMBER.format(value);

export const plural = (value: number, noun: string): string => `${count(value)} ${noun}${value === 1 ? '' : 's'}`;

/** A duration in the unit that suits it: `840 ms`, `12.3 s`, `4 min 5 s`, `2 h 10 min`. */
export function duration(seconds: number): string {
  if (seconds < 1) return `${Number((seconds * 1000).toPrecision(3))} ms`;
  if (seconds < 120) return `${Number(seconds.toPrecision(3))} s`;
  const whole = Math.round(seconds);
  if (whole < 7200) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${count(Math.floor(whole / 3600))} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** Parts names where readers see characters: an emoji of several code points stays whole. */
const SEGMENTER = new Intl.Segmenter('en');
// Control characters cannot stand in XML, nor lone surrogates in UTF-8.
const UNPRINTABLE = /[\p{Cc}\p{Cs}\uFFFE\uFFFF]/gu;

/** A name that fits: at most `limit` characters, with an ellipsis in the middle, for both ends tell names apart. */
export function label(name: string, limit: number): string {
  const characters = Array.from(SEGMENTER.segment(name.replaceAll(UNPRINTABLE, '\uFFFD')), ({ segment }) => segment);
  if (characters.length <= limit) return characters.join('');
  const head = Math.ceil((limit - 1) / 2);
  return `${characters.slice(0, head).join('')}…${characters.slice(characters.length - (limit - 1 - head)).join('')}`;
}
