'use strict';
const util = require('./util.cjs');
module.exports = function tinyCjs(value) {
  return `cjs ${value}`;
};
module.exports.twice = util.twice;
module.exports.version = '2.0.0';
