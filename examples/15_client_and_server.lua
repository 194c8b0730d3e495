-- A server and its clients: questions and answers lie in shared arrays, and
-- semaphores say when one is there. A client that is killed harms nobody.
--
--     neap 15_client_and_server.lua

local neap = require "neap"

local CLIENTS, QUESTIONS = 3, 100

local heap <close> = neap.heap()
local question = heap:array("question", "i64", CLIENTS)
local answer = heap:array("answer", "i64", CLIENTS)
local waits = heap:array("waits", "u8", CLIENTS)    -- 1: for an answer
local asked = heap:semaphore("asked", 0)            -- one for each question
local stop = heap:event("stop")
local answered = {}
for i = 1, CLIENTS do answered[i] = heap:semaphore("answered " .. i, 0) end

local function serve()
  local served = 0
  while asked:acquire() and not stop:is_set() do
    for i = 1, CLIENTS do
      if waits[i] == 1 then
        waits[i] = 0
        answer[i] = question[i] * question[i]
        answered[i]:release()
        served = served + 1
      end
    end
  end
  return served
end

local function ask(i)
  for n = 1, QUESTIONS do
    question[i], waits[i] = n, 1
    asked:release()
    if i == CLIENTS and n == QUESTIONS // 2 then
      os.execute("kill -KILL $PPID")                -- in the middle of it
    end
    answered[i]:acquire()
    assert(answer[i] == n * n)
  end
  return QUESTIONS
end

local server, clients = neap.fork(serve), {}
for i = 1, CLIENTS do clients[i] = neap.fork(ask, i) end

local right, killed = 0, 0
for _, client in ipairs(clients) do
  local ok, answers, code = client:wait()
  if ok then right = right + answers end
  if code == "EKILLED" then killed = killed + 1 end
end
stop:set()
asked:release()
local ok, served = server:wait()

print(("%d right answers, %d client killed"):format(right, killed))
print("the server went on: " .. (ok and served > right and "yes" or "no"))
