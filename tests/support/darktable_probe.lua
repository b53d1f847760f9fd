-- Acts as the photographer in a real darktable: imports, rates and selects the photos, and starts the action.
local dt = require "darktable"
local FOLDER = os.getenv("RAWCLEAN_PROBE")
local said, selected = {}, {}
local show = dt.print
dt.print = function(text)
  said[#said + 1] = text
  show(text)
end

local function listed()
  local file = io.open(FOLDER .. "/photos", "rb")
  local text = file:read("a")
  file:close()
  return text:gmatch("([^\0]+)")
end

-- The pointer is over no photo, which would be acted on instead of the selected ones.
local function press_the_shortcut()
  dt.control.execute("xdotool mousemove 60 30 key ctrl+shift+d")
end

-- Call `after` when the action has said something; each look is a task of its own, since newer ones do one at a time.
local function denoise(images, after)
  local before, looks = #said, 0
  local function look()
    looks = looks + 1
    if #said > before or looks > 3000 then return after() end
    dt.control.sleep(100)
    dt.control.dispatch(look)
  end
  dt.gui.selection(images)
  for _, image in ipairs(dt.gui.action_images) do selected[#selected + 1] = image.filename end
  press_the_shortcut()
  dt.control.dispatch(look)
end

local function report()
  local file = io.open(FOLDER .. "/report.part", "wb")
  local function write(...) file:write(table.concat({ ... }, "\0"), "\0\0") end
  for _, text in ipairs(said) do write("said", text) end
  for _, name in ipairs(selected) do write("selected", name) end
  write("api", tostring(dt.configuration.api_version_minor))
  for _, image in ipairs(dt.database) do
    local tags = {}
    for _, tag in ipairs(image:get_tags()) do
      if not tag.name:match("^darktable|") then tags[#tags + 1] = tag.name end
    end
    write("image", image.filename, image.group_leader.filename, tostring(image.rating), tostring(image.red),
      table.concat(tags, ","))
  end
  file:close()
  os.rename(FOLDER .. "/report.part", FOLDER .. "/report")
end

local function import()
  local images = {}
  for path in listed() do
    local image = dt.database.import(path)
    image.rating, image.red = 3, true
    dt.tags.attach(dt.tags.create("holiday"), image)
    images[#images + 1] = image
    if image.filename == "broken.dng" then io.open(path, "wb"):write("broken"):close() end
  end
  return images
end

local function results()
  local images = {}
  for _, image in ipairs(dt.database) do
    if image.filename:match("_denoised%.dng$") then images[#images + 1] = image end
  end
  return images
end

dt.control.dispatch(function()
  dt.control.sleep(1000)
  denoise(import(), function()
    denoise(results(), function()
      report()
      os.exit(0)
    end)
  end)
end)
