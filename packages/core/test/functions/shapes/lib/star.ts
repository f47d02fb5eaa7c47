export * from './geometry.ts';
export * as makers from './makers.ts';
export { default as originAgain } from './geometry.ts';
export { Point as Spot } from './geometry.ts';
