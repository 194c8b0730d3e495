--- The command `neap`: what its command line means.
--
-- A sub-command wins over a script of the same name; a path with a slash is
-- always a script.

local neap = require "neap"
local core = require "neap.core"
local out = require "neap.cli_out"
local run = require "neap.cli_run"

local cli = {}

local USAGE = 2 -- exit status of a command line that means nothing

local commands = {
  {"ls", require "neap.cli_ls"},
  {"show", require "neap.cli_show"},
  {"get", require "neap.cli_value".get},
  {"set", require "neap.cli_value".set},
  {"rm", require "neap.cli_care".rm},
  {"gc", require "neap.cli_care".gc},
  {"check", require "neap.cli_care".check},
  {"locks", require "neap.cli_locks"},
  {"map", require "neap.cli_map"},
  {"maps", require "neap.cli_maps"},
  {"doctor", require "neap.cli_doctor"},
  {"checkpoint", require "neap.cli_checkpoint".take},
  {"restore", require "neap.cli_checkpoint".restore},
  {"serve", require "neap.cli_serve"},
  {"bench", require "neap.cli_bench"},
}

local by_name = {}
for _, command in ipairs(commands) do by_name[command[1]] = command[2] end

local usage = [[
Usage: neap SCRIPT.lua [ARG ...]     run a script with neap loaded
       neap -e CODE [ARG ...]        run a line of Lua
       neap                          an interactive prompt
       neap COMMAND [ARG ...]        look at heaps and look after them]]

local epilog = [[
A script sees the module as the global `neap` and its arguments in `arg`; "-"
is standard input. A sub-command wins over a script of the same name: write
./show to run a script called show.

Heaps and segments are named by addresses: sky (POSIX shared memory),
sysv:5678, file:results.neap; a path, ./results.neap, is a file too.

`neap COMMAND --help` tells more. Every command takes --json. The exit status
is 0, 1 when something failed, 2 when the command line makes no sense.]]

local function load_argparse()
  local found, argparse = pcall(require, "argparse")
  if found then return argparse end
  return out.fail("the argparse library is missing: apt install lua-argparse, "
                  .. "or luarocks install argparse")
end

local function make_parser()
  local parser = load_argparse()("neap", "A heap that processes share.", epilog)
  parser:usage(usage):help_max_width(79):require_command(false)
  parser:command_target "command"
  parser:option("-e", "Run CODE as a script."):argname "CODE"
  parser:flag("--version", "Print the version.")
  for _, command in ipairs(commands) do
    local described = parser:command(command[1])
    command[2].describe(described)
    described:flag("--json", "Print JSON, for programs.")
    described:help_max_width(79)
  end
  return parser
end

local function misused(text, command)
  io.stderr:write(("neap: %s\nTry `neap %s--help`.\n"):format(
    text, command and command .. " " or ""))
  return USAGE
end

-- Options whose value, a number, may be left out.
local may_be_bare = {["-w"] = true, ["--watch"] = true, ["-m"] = true,
                     ["--measure"] = true}

--- A negative number is a value, though it begins like an option; a space in
-- front of it changes nothing but that. What follows a bare option is no value
-- of it unless it is a number: `neap locks --measure sky`.
local function shield_values(arguments)
  local shielded, bare = {}, {}
  for i, text in ipairs(arguments) do
    local is_bare = may_be_bare[text] and not tonumber(arguments[i + 1])
    local into = is_bare and bare or shielded
    into[#into + 1] = text:find("^%-[%d.]") and " " .. text or text
  end
  return table.move(bare, 1, #bare, #shielded + 1, shielded)
end

local function run_command(arguments)
  local sound, args = make_parser():pparse(shield_values(arguments))
  if not sound then return misused(args, arguments[1]) end

  local status
  sound, status = xpcall(by_name[arguments[1]].run, function(raised)
    return out.failure(raised) and raised or run.traceback(raised)
  end, args)
  io.stdout:flush()
  if sound then return status end
  out.complain(out.failure(status) or status)
  return 1
end

local function exists(path)
  local file = io.open(path)
  if file then file:close() end
  return file ~= nil
end

local function run_script(arguments)
  local path = arguments[1]
  if path ~= "-" and not path:find("[/.]") and not exists(path) then
    return misused(("'%s' is neither a command nor a script"):format(path))
  end
  return run.file(path, table.move(arguments, 2, #arguments, 1, {}))
end

local function prompt_or_stdin()
  if core.terminal(0) then return require "neap.cli_prompt".run() end
  return run.file("-", {})
end

--- The command line as a list of words; returns the exit status.
local function dispatch(arguments)
  local first = arguments[1]
  if not first then return prompt_or_stdin() end
  if by_name[first] then return run_command(arguments) end
  if first == "--version" then
    print(("neap %s (%s)"):format(neap.version, _VERSION))
    return 0
  elseif first == "--help" or first == "-h" then
    print(make_parser():get_help())
    return 0
  elseif first == "-e" then
    if not arguments[2] then return misused("-e needs a line of Lua") end
    return run.text(arguments[2], table.move(arguments, 3, #arguments, 1, {}))
  elseif first:find("^%-.") then
    return misused(("there is no option '%s'"):format(first))
  end
  return run_script(arguments)
end

function cli.main(arguments)
  local sound, status = xpcall(dispatch, function(raised)
    return out.failure(raised) and raised or run.traceback(raised)
  end, arguments)
  if sound then return status end
  out.complain(out.failure(status) or status)
  return 1
end

return cli
