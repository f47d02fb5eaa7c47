/**
 * What must happen in one step, as Lua scripts that the server runs; https://redis.io/docs/latest/develop/programmability/eval-intro/
 *
 * The layout in Redis, below the option `keyPrefix`:
 *
 *     index                    ZSET   all keys, score 0: ZRANGEBYLEX lists them in the order of their bytes
 *     meta:<key>               HASH   version, size, modifiedAtMs, chunks, chunkBytes, and `bytes` of small objects
 *     data:<version>:<number>  STRING a chunk of a large object; versions are random and used once
 *     rules                    ZSET   prefixes that expire, scored by when (milliseconds since the epoch)
 *     changed:<prefix>         channel told of every put, for each prefix of the key that ends with `/`
 *
 * Chunks are written first, with a time to live; then one script makes them the object and removes the former chunks.
 * Expired objects leave their names in the index; whoever lists them removes these.
 *
 * Scripts use keys that they compute, so they need all keys on one server: Redis Cluster is not supported. The first
 * write of each is one that Redis refuses when memory is short, so that none is stopped half-way.
 */
import type { Redis } from 'ioredis';

/** When the rules say that a key expires, or nil. A key has as many prefixes as slashes. */
const DUE_OF = `
local function due_of(rules, key, now)
  if redis.call('EXISTS', rules) == 0 then return nil end
  local due
  local slash = 0
  while true do
    slash = string.find(key, '/', slash + 1, true)
    if not slash then return due end
    local score = tonumber(redis.call('ZSCORE', rules, string.sub(key, 1, slash)) or nil)
    if score and score > now and (not due or score < due) then due = score end
  end
end
local function expire_at(meta, data, due)
  local object = redis.call('HMGET', meta, 'version', 'chunks')
  if not object[1] then return end
  redis.call('PEXPIREAT', meta, string.format('%.0f', due))
  for number = 0, tonumber(object[2]) - 1 do
    redis.call('PEXPIREAT', data .. object[1] .. ':' .. number, string.format('%.0f', due))
  end
end
`;

const NOW = `
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
`;

/** KEYS: meta, index, rules. ARGV: key, version, size, chunks, chunkBytes, bytes, ifAbsent, data prefix, channel prefix. */
const PUT = `
${DUE_OF}${NOW}
local old = redis.call('HMGET', KEYS[1], 'version', 'chunks')
if old[1] == ARGV[2] then return 1 end -- sent twice, since the answer was lost
if old[1] and ARGV[7] == '1' then return 0 end
local data = ARGV[8] .. ARGV[2] .. ':'
for number = 0, tonumber(ARGV[4]) - 1 do
  if redis.call('EXISTS', data .. number) == 0 then return -1 end
end
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'size', ARGV[3], 'chunks', ARGV[4], 'chunkBytes', ARGV[5],
  'bytes', ARGV[6], 'modifiedAtMs', string.format('%.0f', now))
redis.call('ZADD', KEYS[2], 0, ARGV[1])
redis.call('PERSIST', KEYS[1])
for number = 0, tonumber(ARGV[4]) - 1 do redis.call('PERSIST', data .. number) end
local due = due_of(KEYS[3], ARGV[1], now)
if due then expire_at(KEYS[1], ARGV[8], due) end
if old[1] then
  for number = 0, tonumber(old[2]) - 1 do redis.call('UNLINK', ARGV[8] .. old[1] .. ':' .. number) end
end
local slash = 0
while true do
  slash = string.find(ARGV[1], '/', slash + 1, true)
  if not slash then break end
  redis.call('PUBLISH', ARGV[9] .. string.sub(ARGV[1], 1, slash), '')
end
return 1
`;

/** KEYS: meta. ARGV: offset, length or -1, most bytes to return, data prefix. Returns the facts and the first bytes. */
const READ = `
local object = redis.call('HMGET', KEYS[1], 'version', 'size', 'chunks', 'chunkBytes')
if not object[1] then return false end
local size, chunks, chunk_bytes = tonumber(object[2]), tonumber(object[3]), tonumber(object[4])
local offset, length = tonumber(ARGV[1]), tonumber(ARGV[2])
if offset > size then offset = size end
if length < 0 or length > size - offset then length = size - offset end
local bytes = ''
if length > 0 and chunks == 0 then
  bytes = redis.call('HGET', KEYS[1], 'bytes')
  if length < size then bytes = string.sub(bytes, offset + 1, offset + length) end
elseif length > 0 then
  local number = math.floor(offset / chunk_bytes)
  local first = offset - number * chunk_bytes
  local last = math.min(first + math.min(length, tonumber(ARGV[3])), chunk_bytes) - 1
  bytes = redis.call('GETRANGE', ARGV[4] .. object[1] .. ':' .. string.format('%.0f', number), first, last)
end
return {object[1], object[2], object[4], bytes}
`;

/** KEYS: index. ARGV: meta prefix, data prefix, key… */
const REMOVE = `
for number = 3, #ARGV do
  local key = ARGV[number]
  local object = redis.call('HMGET', ARGV[1] .. key, 'version', 'chunks')
  if object[1] then
    for chunk = 0, tonumber(object[2]) - 1 do redis.call('UNLINK', ARGV[2] .. object[1] .. ':' .. chunk) end
    redis.call('UNLINK', ARGV[1] .. key)
  end
  redis.call('ZREM', KEYS[1], key)
end
return 1
`;

/** KEYS: index. ARGV: lowest, highest, most keys, meta prefix. Returns the last key seen and key, size, time, version of each. */
const LIST = `
local keys = redis.call('ZRANGEBYLEX', KEYS[1], ARGV[1], ARGV[2], 'LIMIT', 0, ARGV[3])
local found = {}
for _, key in ipairs(keys) do
  local object = redis.call('HMGET', ARGV[4] .. key, 'size', 'modifiedAtMs', 'version')
  if object[1] then
    found[#found + 1] = key
    found[#found + 1] = object[1]
    found[#found + 1] = object[2]
    found[#found + 1] = object[3]
  else
    redis.call('ZREM', KEYS[1], key)
  end
end
return {keys[#keys] or false, found}
`;

/** KEYS: index, rules. ARGV: lowest, highest, most keys, meta prefix, data prefix. Lets the objects of a page expire. */
const EXPIRE = `
${DUE_OF}${NOW}
local keys = redis.call('ZRANGEBYLEX', KEYS[1], ARGV[1], ARGV[2], 'LIMIT', 0, ARGV[3])
for _, key in ipairs(keys) do
  local due = due_of(KEYS[2], key, now)
  if due then expire_at(ARGV[4] .. key, ARGV[5], due) end
end
return {keys[#keys] or false}
`;

/** KEYS: rules. ARGV: prefix, milliseconds from now. Returns the prefixes whose time is over. */
const ADD_RULE = `
${NOW}
redis.call('ZADD', KEYS[1], string.format('%.0f', now + tonumber(ARGV[2])), ARGV[1])
return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now))
`;

export const SCRIPTS = {
  splitrockPut: { lua: PUT, numberOfKeys: 3 },
  splitrockRead: { lua: READ, numberOfKeys: 1 },
  splitrockRemove: { lua: REMOVE, numberOfKeys: 1 },
  splitrockList: { lua: LIST, numberOfKeys: 1 },
  splitrockExpire: { lua: EXPIRE, numberOfKeys: 2 },
  splitrockAddRule: { lua: ADD_RULE, numberOfKeys: 1 },
} as const;

type Argument = string | number | Uint8Array;

/** The scripts as ioredis makes them methods; the names with `Buffer` answer in bytes. */
interface ScriptMethods {
  splitrockPut(...args: Argument[]): Promise<number>;
  splitrockReadBuffer(...args: Argument[]): Promise<[Buffer, Buffer, Buffer, Buffer] | null>;
  splitrockRemove(...args: Argument[]): Promise<number>;
  splitrockList(...args: Argument[]): Promise<[string | null, string[]]>;
  splitrockExpire(...args: Argument[]): Promise<[string | null]>;
  splitrockAddRule(...args: Argument[]): Promise<string[]>;
}

export type ScriptedRedis = Redis & ScriptMethods;
