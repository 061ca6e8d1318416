-- The life of messages as Z-API tells it: sent, delivered, read; one callback in three names several.
-- Started by bench/load.py with: wrk ... -s load.lua URL -- IDS SEED SENDER
-- IDS 0: the realistic mix. SENDER: zapi, or postmark or stripe, whose callbacks report one event each.
local fixed, seed, sender, thread_count, n = 0, "", "zapi", 0, 0
local steps = { "SENT", "RECEIVED", "READ" }
-- Messages between a step and the next of the same message: seconds pass, others are sent.
local apart = 200

function setup(thread)
  thread:set("number", thread_count)
  thread_count = thread_count + 1
end

function init(args)
  fixed = tonumber(args[1])
  seed = args[2]
  sender = args[3]
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers["Authorization"] = "Basic YmVuY2g6YmVuY2g="
  wrk.headers["Stripe-Signature"] = "not checked"
end

local function ids(first, count)
  local list = {}
  for place = 1, count do
    list[place] = string.format('"%s%d-%08d-%02d"', seed, number, first, place)
  end
  return table.concat(list, ",")
end

local bodies = {}

function bodies.zapi(first, step)
  local message = first + (2 - step) * apart
  local count = fixed
  if fixed == 0 then count = (message % 3 == 0) and 4 or 1 end
  return string.format(
    '{"instanceId":"bench-instance","status":"%s","ids":[%s],"momment":%d,' ..
    '"phone":"55449%08d","phoneDevice":0,"type":"MessageStatusCallback","isGroup":false}',
    steps[step + 1], ids(message, count), 1795338000000 + n * 1000, message % 100000000)
end

function bodies.postmark()
  return string.format(
    '{"RecordType":"Delivery","ServerID":23,"MessageStream":"outbound","MessageID":"%s%d-%08d",' ..
    '"Recipient":"%08d@example.com","Tag":"invoice","DeliveredAt":"2026-11-22T09:00:00Z",' ..
    '"Details":"Message accepted","Metadata":{}}', seed, number, n, n)
end

-- An event that makes dj-stripe store no further objects.
function bodies.stripe()
  return string.format(
    '{"id":"evt_%s%d%08d","object":"event","api_version":"2024-06-20","created":1795338000,' ..
    '"type":"balance.available","livemode":false,"pending_webhooks":0,' ..
    '"request":{"id":null,"idempotency_key":null},"data":{"object":{"object":"balance",' ..
    '"livemode":false,"available":[{"amount":%d,"currency":"brl"}],"pending":[]}}}',
    seed, number, n, n)
end

function request()
  local body = bodies[sender](math.floor(n / 3), n % 3)
  n = n + 1
  return wrk.format(nil, nil, nil, body)
end

function done(summary, latency, requests)
  local failed = summary.errors.status + summary.errors.connect + summary.errors.read
    + summary.errors.write + summary.errors.timeout
  if failed > 0 then
    for kind, count in pairs(summary.errors) do io.stderr:write(kind, ": ", count, "\n") end
  end
  io.write(string.format('RESULT {"rate": %f, "p50_ms": %f, "p99_ms": %f, "failed": %d}\n',
    summary.requests / (summary.duration / 1e6), latency:percentile(50) / 1000,
    latency:percentile(99) / 1000, failed))
end
