exports.hash = () => 1;
