/** What tinypool's processes run: the same functions as ours. */
export default (n) => n;

export function spin(n) {
  const end = performance.now() + 50;
  while (performance.now() < end);
  return n;
}

export async function nap(n) {
  await new Promise((resolve) => setTimeout(resolve, 100));
  return n;
}
