/**
 * The bucket of `limits/token-bucket.ts`, line by line, as Redis keeps it: `limit|used|at|low@used,…`, all whole numbers,
 * used in 1/60,000 of a unit, a limit of -1 = none. Lua's own way to write a number keeps 14 digits: never used here.
 */
export const BUCKET_LUA = `
local PARTS, LOWS_MAX, STEP_BACK_MAX = 60000, 16, 1000

local function whole(number)
  return string.format('%.0f', number)
end

local function readBucket(raw, now)
  local bucket = { used = 0, limit = -1, at = now, lows = {} }
  if not raw then
    return bucket
  end
  local limit, used, at, lows = string.match(raw, '^(%-?%d+)|(%d+)|(%d+)|(.*)$')
  bucket.limit, bucket.used, bucket.at = tonumber(limit), tonumber(used), tonumber(at)
  for low, level in string.gmatch(lows, '(%d+)@(%d+)') do
    table.insert(bucket.lows, { at = tonumber(low), used = tonumber(level) })
  end
  return bucket
end

local function writeBucket(bucket)
  local lows = {}
  for index, low in ipairs(bucket.lows) do
    lows[index] = whole(low.at) .. '@' .. whole(low.used)
  end
  return table.concat({ whole(bucket.limit), whole(bucket.used), whole(bucket.at), table.concat(lows, ',') }, '|')
end

local function refill(bucket, limit, now)
  -- The clock of Redis is a wall clock. When it was set back, nothing is refilled, and it goes on from there.
  if bucket.at - now > STEP_BACK_MAX then
    bucket.at = now
  end
  if bucket.limit >= 0 and now > bucket.at then
    bucket.used = math.max(0, bucket.used - bucket.limit * (now - bucket.at))
  end
  bucket.at = math.max(bucket.at, now)
  bucket.limit = limit
  if limit < 0 or bucket.used == 0 then
    bucket.used = 0
    bucket.lows = {}
  end
end

local function mergeClosest(lows)
  local closest, gapMin = 1, math.huge
  for index = 1, #lows - 1 do
    local gap = lows[index + 1].used - lows[index].used
    if gap < gapMin then
      gapMin, closest = gap, index
    end
  end
  local earlier = table.remove(lows, closest)
  lows[closest].used = math.min(earlier.used, lows[closest].used)
end

local function takeParts(bucket, parts)
  if bucket.limit < 0 or parts <= 0 then
    return
  end
  local lows = bucket.lows
  while #lows > 0 and lows[#lows].used >= bucket.used do
    table.remove(lows)
  end
  table.insert(lows, { at = bucket.at, used = bucket.used })
  if #lows > LOWS_MAX then
    mergeClosest(lows)
  end
  bucket.used = bucket.used + parts
end

local function giveBackParts(bucket, parts, takenAt)
  local outstanding = bucket.used
  for _, low in ipairs(bucket.lows) do
    if low.at > takenAt then
      outstanding = math.min(outstanding, low.used)
    end
  end
  local credit = math.min(parts, outstanding)
  bucket.used = bucket.used - credit
  for _, low in ipairs(bucket.lows) do
    if low.at > takenAt then
      low.used = low.used - credit
    end
  end
end

-- Milliseconds until the units fit beside what others hold: 0 = now, -1 = never.
local function waitFor(bucket, units, othersHold)
  if bucket.limit < 0 then
    return 0
  end
  if units > bucket.limit then
    return -1
  end
  local excess = bucket.used + (units + othersHold - bucket.limit) * PARTS
  if excess <= 0 then
    return 0
  end
  return bucket.limit == 0 and -1 or math.ceil(excess / bucket.limit)
end
`;
