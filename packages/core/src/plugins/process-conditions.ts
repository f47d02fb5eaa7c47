/** The export conditions that this process was started with (`--conditions=x`, `-C x`, also through NODE_OPTIONS). */
export function processConditions(
  execArgv: readonly string[] = process.execArgv,
  nodeOptions = process.env['NODE_OPTIONS'] ?? '',
): readonly string[] {
  const words = [...nodeOptions.split(/\s+/), ...execArgv];
  return words.flatMap((word, index) => {
    const joined = /^(?:--conditions|-C)=(.+)$/.exec(word)?.[1];
    if (joined !== undefined) return [joined];
    const next = words[index + 1];
    return (word === '--conditions' || word === '-C') && next !== undefined ? [next] : [];
  });
}
