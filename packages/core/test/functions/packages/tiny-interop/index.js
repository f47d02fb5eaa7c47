'use strict';
Object.defineProperty(exports, '__esModule', { value: true });
exports.default = function made() {
  return 'default export';
};
exports.named = (value) => `named ${value}`;
