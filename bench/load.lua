-- A load for wrk: the webhooks of webhooks.py, at full speed or by a schedule. Settings come in a file from load.py.
local ffi = require("ffi")
ffi.cdef("typedef struct { long sec; long nsec; } bench_moment; int clock_gettime(int clock, bench_moment *now);")

local BUCKET = 0.25 -- milliseconds of lateness
local moment = ffi.new("bench_moment")
local settings, kinds, turns
local probing -- wrk asks the first thread once for a request that it does not send

-- Globals are what `done` may ask a thread for.
sent, spare, lateness, codes, began, last = 0, 0, {}, {}, 0, 0
local scheduled, resting = 0, 0

local threads = {}
function setup(thread)
  thread:set("place", #threads)
  table.insert(threads, thread)
end

local function milliseconds()
  ffi.C.clock_gettime(1, moment)
  return tonumber(moment.sec) * 1000 + tonumber(moment.nsec) / 1e6
end

-- When this thread's request k is due.
local function due(k)
  return began + k * settings.threads * 1000 / settings.rate
end

-- How many requests are this thread's.
local function share()
  return math.ceil((settings.quota - place) / settings.threads)
end

-- Called by a connection before each of its requests: the milliseconds until then.
local function pause()
  local now = milliseconds()
  if began == 0 then began = now + (settings.rate > 0 and 20 or 0) end
  last = now
  if scheduled >= share() then
    resting = resting + 1
    if resting == settings.connections_here then io.open(settings.finished .. place, "w"):close() end
    return 3600000
  end
  scheduled = scheduled + 1
  if settings.rate == 0 then return 0 end
  return math.max(0, due(scheduled - 1) - now)
end

local function body(n)
  local kind = kinds[turns[n % #turns + 1]]
  local cycle = math.floor(n / #turns) + settings.first
  local gaps = kind.gaps
  gaps.now = tostring(os.time())
  if kind.is_message then
    local person = cycle * settings.stride % settings.people * settings.spread
    if settings.newcomer_every > 0 and cycle % settings.newcomer_every == settings.newcomer_every - 1 then
      person = settings.newcomers + cycle
    end
    if settings.since > 0 then gaps.now = tostring(settings.since + math.floor(cycle / settings.people)) end
    gaps.person, gaps.cycle = string.format("%07d", person), string.format("%010d", cycle)
  else
    local at = (cycle - kind.behind) % settings.sent_count
    local number = settings.sent_first + at
    gaps.person = string.format("%07d", settings.recipient_first + at % settings.recipients)
    gaps.sent, gaps.mixed = string.format("%010d", number), string.format("%08x", number * 2654435761 % 4294967296)
  end
  local pieces = kind.pieces
  for index = 2, #pieces, 2 do pieces[index] = gaps[kind.names[index]] end
  return table.concat(pieces)
end

function request()
  if probing then
    probing = false
    return body(0)
  end
  if settings.quota > 0 and sent >= share() then -- a connection that broke asks once more
    spare = spare + 1
    return "GET /livez HTTP/1.1\r\nHost: bench\r\n\r\n"
  end
  if settings.rate > 0 then
    local bucket = math.max(0, math.floor((milliseconds() - due(sent)) / BUCKET))
    lateness[bucket] = (lateness[bucket] or 0) + 1
  end
  sent = sent + 1
  return body((sent - 1) * settings.threads + place)
end

-- Costs wrk a table for each answer: not at full speed.
local function count_codes(status)
  codes[status] = (codes[status] or 0) + 1
end

function init(arguments)
  settings_path = arguments[1]
  settings = dofile(settings_path)
  kinds, turns = settings.kinds, settings.turns
  for name, kind in pairs(kinds) do
    kind.gaps, kind.names, kind.is_message = {}, {}, name == "message"
    for index = 2, #kind.pieces, 2 do kind.names[index] = kind.pieces[index] end
  end
  settings.connections_here = math.floor(settings.connections / settings.threads)
  probing = place == 0
  if settings.quota > 0 then delay = pause end
  if settings.rate > 0 then response = count_codes end
end

local function percentile(counts, total, share_below)
  local seen, highest = 0, 0
  for bucket in pairs(counts) do highest = math.max(highest, bucket) end
  for bucket = 0, highest do
    seen = seen + (counts[bucket] or 0)
    if seen >= total * share_below / 100 then return bucket * BUCKET end
  end
  return highest * BUCKET
end

local function add(sums, counts)
  for name, count in pairs(counts) do sums[name] = (sums[name] or 0) + count end
end

local function object(fields)
  local written = {}
  for name, value in pairs(fields) do table.insert(written, string.format('"%s":%s', name, value)) end
  return "{" .. table.concat(written, ",") .. "}"
end

function done(summary, latency)
  settings = dofile(threads[1]:get("settings_path"))
  local all, unscheduled, first, final = 0, 0, math.huge, 0
  local late, statuses = {}, {}
  for _, thread in ipairs(threads) do
    all, unscheduled = all + thread:get("sent"), unscheduled + thread:get("spare")
    first, final = math.min(first, thread:get("began")), math.max(final, thread:get("last"))
    add(late, thread:get("lateness"))
    add(statuses, thread:get("codes"))
  end
  local waits, delays = {max = latency.max / 1000}, {max = percentile(late, all, 100)}
  for _, share_below in ipairs(settings.percentiles) do
    waits["p" .. share_below] = latency:percentile(share_below) / 1000
    delays["p" .. share_below] = percentile(late, all, share_below)
  end
  local errors = summary.errors
  local file = io.open(settings.result, "w")
  file:write(object({
    answered = summary.requests - unscheduled, duration = summary.duration / 1e6, span = (final - first) / 1000,
    sent = all, refused = errors.status, latency = object(waits),
    lateness = settings.rate > 0 and object(delays) or "{}",
    statuses = object(statuses),
    broken = object({connect = errors.connect, read = errors.read, write = errors.write, timeout = errors.timeout}),
  }))
  file:close()
end
