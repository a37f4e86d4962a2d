// The frame's scripts, in one import for every screen. Pages work without any of them.
import { startCopying } from "./copy.js";
import { startCountdowns } from "./countdown.js";
import { startKeys } from "./keys.js";
import { startNews } from "./news.js";
import { startPalette } from "./palette.js";
import { startQuickAdd } from "./quickadd.js";
import { startTabs } from "./tabs.js";
import { startTheme } from "./theme.js";
import { startToasts } from "./toast.js";
import { startWaiting } from "./waiting.js";

startTheme();
startToasts();
startKeys();
startPalette();
startCountdowns();
startNews();
startWaiting();
startCopying();
startQuickAdd();
startTabs();
