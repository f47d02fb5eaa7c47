export function chunk(list, size) {
  const result = [];
  for (let index = 0; index < list.length; index += size) result.push(list.slice(index, index + size));
  return result;
}
export class Stack {
  items = [];
  push(item) {
    this.items.push(item);
    return this;
  }
}
