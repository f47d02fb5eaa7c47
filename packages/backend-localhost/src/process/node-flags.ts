/** Import conditions of this process (`-C x`, `--conditions=x`), so that its workers resolve the same modules. */
export function inheritedNodeFlags(execArgv: readonly string[] = process.execArgv): readonly string[] {
  return execArgv.flatMap((flag, index) => {
    if (/^(--conditions|-C)=/.test(flag)) return [flag];
    const value = execArgv[index + 1];
    return (flag === '--conditions' || flag === '-C') && value !== undefined ? [`--conditions=${value}`] : [];
  });
}
