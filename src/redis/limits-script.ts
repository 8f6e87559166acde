import { BUCKET_LUA } from "./bucket-lua.ts";
import { KEY_PREFIX, redisScript } from "./scripts.ts";

/**
 * The one script of the limits. An instance tells what it has used and holds of some subjects, asks for requests to be
 * admitted, and is given a little ahead. Everything it tells is absolute (cumulated use, units held, slots), so that a call
 * of which nobody knows whether it was executed is put right by the next one. Of two calls of one instance, the one with
 * the smaller sequence does nothing when it comes second.
 *
 * KEYS: epoch, instances, sequences, then one hash for each subject. ARGV: the call (`limits/shared-wire.ts`), and in tests
 * the time.
 *
 * A subject is a hash: `tpm` and `rpm` (buckets), `base` (what was put back after Redis had lost its data), and for each
 * instance `i:ID` = running|slots|tokens held|requests held|tokens told|requests told|credits told|at|life. Units that are held
 * are not in the bucket yet: they do not refill before they are used, so that what was taken ahead is never a burst later.
 */
const MAIN_LUA = `
local DAY, LIVE, KEEP, AHEAD, WRAP = 86400000, 5000, 120000, 10, 1125899906842624
local call = cjson.decode(ARGV[1])
local now = tonumber(ARGV[2] or '')
if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
local own = 'i:' .. call.i

if call.q <= tonumber(redis.call('HGET', KEYS[3], call.i) or '0') then
  return { 'late' }
end
redis.call('HSET', KEYS[3], call.i, whole(call.q))
redis.call('SET', KEYS[1], call.e, 'NX')
local epoch = redis.call('GET', KEYS[1])
redis.call('ZADD', KEYS[2], whole(now), call.i)
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', '(' .. whole(now - call.x))) do
  redis.call('ZREM', KEYS[2], gone)
  redis.call('HDEL', KEYS[3], gone)
end
for index = 1, 3 do
  redis.call('PEXPIRE', KEYS[index], DAY)
end
local live = redis.call('ZCOUNT', KEYS[2], whole(now - LIVE), '+inf')
local instances = math.max(live, call.n)

local known = {}
local function isAlive(id)
  if known[id] == nil then
    known[id] = redis.call('ZSCORE', KEYS[2], id) ~= false
  end
  return known[id]
end

local function numbers(raw)
  local found = {}
  for number in string.gmatch(raw, '%d+') do
    table.insert(found, tonumber(number))
  end
  return found
end

-- What was lost with the data is known to those who saw it last: the highest of them counts, and once.
local function restore(subject, told, raw)
  local isNew = not raw.tpm
  if not isNew and (told.epoch == '' or told.epoch == epoch) then
    return
  end
  local base = raw.base and numbers(raw.base) or { 0, 0, now }
  local past = math.max(0, now - base[3])
  local levels = {}
  for index, kind in ipairs({ 'tpm', 'rpm' }) do
    local bucket = subject[kind]
    local level = math.max(0, base[index] - math.max(0, bucket.limit) * past)
    takeParts(bucket, told.views[index] - level)
    levels[index] = math.max(level, told.views[index])
  end
  subject.base = whole(levels[1]) .. '|' .. whole(levels[2]) .. '|' .. whole(now)
end

-- Takes and gives back what has become of the use that was told since the last time.
local function settle(bucket, total, before, at)
  local more = total - before
  if more < -WRAP / 2 then
    more = more + WRAP
  elseif more > WRAP / 2 then
    more = more - WRAP
  end
  if more >= 0 then
    takeParts(bucket, more)
  else
    giveBackParts(bucket, -more, at)
  end
end

local function readOthers(subject, raw)
  local others = { slots = 0, running = 0, tpm = 0, rpm = 0 }
  for field, value in pairs(raw) do
    if string.sub(field, 1, 2) == 'i:' and field ~= own then
      local state = numbers(value)
      if isAlive(string.sub(field, 3)) then
        others.running, others.slots = others.running + state[1], others.slots + state[2]
        others.tpm, others.rpm = others.tpm + state[3], others.rpm + state[4]
      else
        -- It may have used what it held.
        takeParts(subject.tpm, state[3] * PARTS)
        takeParts(subject.rpm, state[4] * PARTS)
        redis.call('HDEL', subject.key, field)
      end
    end
  end
  return others
end

local function credit(subject, told, before)
  local skip = before - told.credits[1]
  for _, one in ipairs(told.credits[3]) do
    local units = one[1]
    local applied = math.max(0, math.min(skip, units))
    skip = skip - applied
    if units > applied then
      giveBackParts(subject.tpm, (units - applied) * PARTS, one[2] < 0 and now or one[2])
    end
  end
end

local function open(index, told)
  local key = KEYS[3 + index]
  local flat, raw = redis.call('HGETALL', key), {}
  for at = 1, #flat, 2 do
    raw[flat[at]] = flat[at + 1]
  end
  local subject = { key = key, tpm = readBucket(raw.tpm, now), rpm = readBucket(raw.rpm, now), parallel = told.limits[3] }
  refill(subject.tpm, told.limits[1], now)
  refill(subject.rpm, told.limits[2], now)
  restore(subject, told, raw)
  subject.others = readOthers(subject, raw)
  local before = raw[own] and numbers(raw[own]) or {}
  if before[9] ~= told.life then
    -- Nothing is known of it here, or of a state that the instance has forgotten: what it says of the past counts.
    before = { 0, 0, 0, 0, told.use[2], told.use[4], told.credits[1], now }
  end
  settle(subject.tpm, told.use[1], before[5], before[8])
  settle(subject.rpm, told.use[3], before[6], before[8])
  credit(subject, told, before[7])
  subject.use = { told.use[1], told.use[3] }
  subject.life, subject.credits = told.life, told.credits[2]
  subject.running, subject.slots = told.slots[1], told.slots[1] + told.slots[2]
  subject.held = { tpm = told.held[1], rpm = told.held[2] }
  if call.l == 1 then
    subject.running, subject.slots, subject.held = 0, 0, { tpm = 0, rpm = 0 }
  end
  return subject
end

local function refusal(subjects, request)
  local found
  for _, kind in ipairs({ 'tpm', 'rpm' }) do
    local units = kind == 'tpm' and request[1] or 1
    for at = 2, #request do
      local subject = subjects[request[at]]
      local wait = waitFor(subject[kind], units, subject.others[kind])
      if wait == -1 then
        return { request[at], kind, -1 }
      elseif wait > 0 then
        found = found or { request[at], kind, 0 }
        found[3] = math.max(found[3], wait)
      end
    end
  end
  if found then
    return found
  end
  for at = 2, #request do
    local subject = subjects[request[at]]
    if subject.parallel >= 0 and subject.others.slots + subject.running >= subject.parallel then
      return { request[at], 'parallel', subject.parallel == 0 and -1 or 1000 }
    end
  end
end

local function use(subject, kind, index, units)
  if subject[kind].limit >= 0 then
    takeParts(subject[kind], units * PARTS)
    subject.use[index] = subject.use[index] + units * PARTS
    subject.held[kind] = math.max(0, subject.held[kind] - units)
  end
end

local function admit(subjects, request)
  for at = 2, #request do
    local subject = subjects[request[at]]
    use(subject, 'tpm', 1, request[1])
    use(subject, 'rpm', 2, 1)
    subject.running = subject.running + 1
    subject.slots = math.max(subject.slots, subject.running)
  end
end

local function ahead(wanted, held, free)
  return held + math.max(0, math.min(wanted - held, math.floor(free / (AHEAD * instances))))
end

local function leaseAhead(subject, want)
  for index, kind in ipairs({ 'tpm', 'rpm' }) do
    local bucket, held = subject[kind], subject.held[kind]
    if bucket.limit < 0 then
      subject.held[kind] = 0
    else
      local free = math.floor((bucket.limit * PARTS - bucket.used) / PARTS) - subject.others[kind] - held
      subject.held[kind] = ahead(want[index], held, free)
    end
  end
  if subject.parallel >= 0 then
    local spare = subject.slots - subject.running
    local free = subject.parallel - subject.others.slots - subject.slots
    subject.slots = subject.running + ahead(want[3], spare, free)
  end
end

local function close(subject)
  local ttl = KEEP
  for _, kind in ipairs({ 'tpm', 'rpm' }) do
    if subject[kind].limit > 0 then
      ttl = math.max(ttl, KEEP + math.ceil(subject[kind].used / subject[kind].limit))
    end
  end
  local state = { subject.running, subject.slots, subject.held.tpm, subject.held.rpm, subject.use[1], subject.use[2],
    subject.credits, now, subject.life }
  for index, number in ipairs(state) do
    state[index] = whole(number)
  end
  local fields = { 'tpm', writeBucket(subject.tpm), 'rpm', writeBucket(subject.rpm), own, table.concat(state, '|') }
  if subject.base then
    table.insert(fields, 'base')
    table.insert(fields, subject.base)
  end
  redis.call('HSET', subject.key, unpack(fields))
  redis.call('PEXPIRE', subject.key, whole(math.min(ttl, DAY * 365)))
  local others = subject.others
  return { subject.tpm.used, others.tpm, subject.held.tpm, subject.rpm.used, others.rpm, subject.held.rpm,
    subject.running, subject.slots, others.running, others.slots }
end

local subjects = {}
for index, told in ipairs(call.s) do
  subjects[index] = open(index, told)
end
local decisions = {}
for index, request in ipairs(call.r) do
  local refused = refusal(subjects, request)
  if not refused then
    admit(subjects, request)
  end
  decisions[index] = refused or 0
end
local answers = {}
for index, told in ipairs(call.s) do
  if call.l ~= 1 then
    leaseAhead(subjects[index], told.want)
  end
  answers[index] = close(subjects[index])
end
if call.l == 1 then
  redis.call('ZREM', KEYS[2], call.i)
end
return { epoch, now, live, decisions, answers }
`;

export const LIMITS_SCRIPT = redisScript(BUCKET_LUA + MAIN_LUA);

/** The keys that each call touches, before those of its subjects. */
export const SHARED_KEYS: readonly string[] = ["epoch", "instances", "sequences"].map((name) => KEY_PREFIX + name);

export function subjectKey(id: string): string {
	return `${KEY_PREFIX}subject:${id}`;
}
