'use strict';
exports.twice = (value) => value * 2;
