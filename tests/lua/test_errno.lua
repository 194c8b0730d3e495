--- What each call of the memory layer says to who asks for what cannot be: the
-- table that is common to the three languages.
local neap = require "neap"
local support = require "support"
local cases = require "errno_cases"

local path = support.root .. "/tests/errno/table.tsv"
local rows = cases.read(path)

local under = {
  descriptors = "ulimit -n 64; ",
  addresses = "ulimit -v 400000; ",
  locks = "ulimit -l 16; exec setpriv --reuid 65534 --clear-groups env ",
  nobody = "exec setpriv --reuid 65534 --clear-groups env ",
}

local script = [[
package.path = "%s/tests/lua/?.lua;" .. package.path
local cases = require "errno_cases"
require "support".pid()
for _, row in ipairs(cases.read("%s")) do
  if row.case == "%s" then
    %s
    cases.run(row, "%s", "%s")
    print("as the table says")
  end
end
]]

-- A process that starts with too few descriptors would not find its files.
local hold = [[
files = {}
repeat
  local file = io.open("/dev/null")
  files[#files + 1] = file
until not file
]]

local function run_under(row)
  local there = assert(neap.segment.create(support.name("there"), 5))
  local shared = assert(neap.segment.create(support.name("shared"), 5,
                                            {mode = "644"}))
  local command = support.command(script:format(
    support.root, path, row.case, row.under == "descriptors" and hold or "",
    there:address(), shared:address()))
  local output = support.shell(under[row.under] .. command)
  there:unlink()
  shared:unlink()
  if not output:find("as the table says", 1, true) then error(output, 0) end
end

local function has(command)
  return os.execute(command .. " >/dev/null 2>&1")
end

for _, row in ipairs(rows) do
  if row.lua ~= "-" and row.under == "-" then
    support.test(row.case, function() cases.run(row) end)
  elseif row.lua ~= "-" then
    support.test(row.case, function()
      if under[row.under]:find("setpriv")
          and not has("setpriv --reuid 65534 --clear-groups test -r "
                      .. support.root .. "/build/lua") then
        return print("not looked at: needs root, and files that all may read")
      end
      run_under(row)
    end)
  end
end
