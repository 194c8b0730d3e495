--- Checkpoints: a heap as a file, and the way back.
local lu = require "luaunit"
local neap = require "neap"
local support = require "support"
local test = support.test

local function filled()
  local heap = neap.heap()
  local cells = heap:array("cells", "f64", 20000)
  for i = 1, #cells, 7 do cells[i] = i / 2 end
  heap:counter("hits"):set(77)
  return heap, cells
end

test("a heap comes back as it was", function()
  local heap, cells = filled()
  local path = support.path("night.ckpt")
  local report = assert(heap:checkpoint(path))
  lu.assertEquals(report.stopped, 1)
  lu.assertTrue(report.took > report.pause and report.pause > 0)
  local info = assert(neap.checkpoint_info(path))
  lu.assertEquals(info.uuid, heap:info().uuid)
  lu.assertEquals(info.stored, report.stored)
  local restored, created = assert(neap.restore(path))
  lu.assertTrue(created)
  lu.assertNotEquals(restored:info().uuid, info.uuid)
  lu.assertEquals(restored:counter("hits"):get(), 77)
  local again = restored:array("cells", "f64", 20000)
  for i = 1, #cells do lu.assertEquals(again[i], cells[i]) end
end)

test("a compressed one is smaller, and comes back the same", function()
  local heap, cells = filled()
  local path = support.path("night.ckpt")
  local plain = assert(heap:checkpoint(path)).stored
  for _, how in ipairs {true, "zstd", 1, 19} do
    local report, text, code = heap:checkpoint(path, {compress = how})
    if code == "ENOSYS" then
      lu.assertStrContains(text, "libzstd1")
      lu.skip("there is no libzstd.so.1")
    end
    lu.assertTrue(assert(report, text).stored < plain)
    local restored = assert(neap.restore(path))
    local again = restored:array("cells", "f64", 20000)
    for i = 1, #cells do lu.assertEquals(again[i], cells[i]) end
  end
  lu.assertEquals(heap:checkpoint(path, {compress = false}).stored, plain)
  for _, how in ipairs {0, 23, 1.5, "gzip", {}} do
    lu.assertErrorMsgContains("compress", heap.checkpoint, heap, path,
                              {compress = how})
  end
end)

test("workers stand still for a checkpoint, and go on", function()
  local heap = neap.heap()
  local a, b, lock = heap:counter("a"), heap:counter("b"), heap:mutex("lock")
  local worker = neap.fork(function()
    while true do
      lock:with(function() a:add(); b:add() end)
    end
  end)
  for _ = 1, 10 do
    local path = support.path("night.ckpt")
    lu.assertEquals(assert(heap:checkpoint(path)).stopped, 2)
    local restored <close> = assert(neap.restore(path))
    local _, news = restored:mutex("lock"):lock()
    local ahead = restored:counter("a"):get() - restored:counter("b"):get()
    lu.assertTrue(ahead == 0 or (ahead == 1 and news == "abandoned"))
  end
  worker:kill("SIGKILL")
  worker:wait()
end)

test("progress is told, and an error in it ends the call", function()
  local heap = neap.heap()
  heap:array("large", "u8", 100000000):fill(1)
  local path = support.path("night.ckpt")
  os.remove(path)
  local calls = 0
  local ok, why = pcall(heap.checkpoint, heap, path, {progress = function(done, total)
    calls = calls + 1
    lu.assertTrue(done <= total + 65536)
    error("enough")
  end})
  if calls > 0 then
    lu.assertFalse(ok)
    lu.assertStrContains(why, "enough")
    if support.read(path) then assert(neap.checkpoint_info(path)) end
  end
end)

test("what is no checkpoint is left alone", function()
  local heap = neap.heap()
  local path = support.file("letter", "dear reader")
  local ok, text, code = heap:checkpoint(path)
  lu.assertNil(ok)
  lu.assertStrContains(text, "something else is there")
  lu.assertEquals(code, "EEXIST")
  lu.assertEquals(select(3, neap.restore(path)), "EFOREIGN")
  lu.assertEquals(select(3, neap.checkpoint_info("/no/such")), "ENOENT")
  lu.assertErrorMsgContains("speed", heap.checkpoint, heap, path, {speed = 1})
  lu.assertErrorMsgContains("function expected", heap.checkpoint, heap, path,
                            {progress = 1})
end)
