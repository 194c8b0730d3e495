--- A progress bar on stderr for neap.run.
--
-- Drawn only while there is something to tell, at most ten times a second, and
-- wiped at the end, so that the terminal looks as if it had never been there.
--
-- @module neap.progress

local core = require "neap.core"

local progress = {}
progress.__index = progress

local WIDTH = 30

--- Should there be one? `wanted` is true, false, or "auto" (the default).
function progress.wanted(wanted)
  if wanted == nil or wanted == "auto" then return core.terminal(2) end
  return wanted
end

--- A bar, not drawn as yet.
function progress.new(name)
  return setmetatable({
    name = name and name .. " " or "", started = core.now(), shown = 0,
  }, progress)
end

local function duration(seconds)
  if seconds >= 3600 then
    return ("%d:%02d:%02d"):format(seconds // 3600, seconds // 60 % 60,
                                   seconds // 1 % 60)
  end
  return ("%d:%02d"):format(seconds // 60, seconds // 1 % 60)
end

local function remaining(elapsed, done, total)
  if done == 0 or elapsed < 1 then return "" end
  return ", " .. duration(elapsed * (total - done) / done) .. " left"
end

--- Draw it: `done` of `total`.
function progress:draw(done, total)
  if total == 0 then return end
  local full = math.floor(WIDTH * done / total)
  local line = ("%s[%s%s] %3d%% %d of %d%s"):format(
    self.name, ("#"):rep(full), ("."):rep(WIDTH - full),
    math.floor(100 * done / total), done, total,
    remaining(core.now() - self.started, done, total))
  io.stderr:write("\r", line, (" "):rep(self.shown - #line))
  io.stderr:flush()
  self.shown = math.max(self.shown, #line)
end

--- Wipe it.
function progress:clear()
  if self.shown == 0 then return end
  io.stderr:write("\r", (" "):rep(self.shown), "\r")
  io.stderr:flush()
  self.shown = 0
end

return progress
