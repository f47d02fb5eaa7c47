/** Fills the places in a template: `{{word}}`. */
import { readFileSync } from 'node:fs';

export type Words = Readonly<Record<string, string>>;

/** @param path - Below `templates/`, without the ending. */
export function fillTemplate(path: string, words: Words): string {
  const text = readFileSync(new URL(`../templates/${path}.template`, import.meta.url), 'utf8');
  return text.replaceAll(/\{\{(\w+)\}\}/g, (_place, word: string) => {
    const value = words[word];
    if (value === undefined) throw new Error(`The template ${path} has a place that nothing fills: ${word}.`);
    return value;
  });
}
