// Before the first paint: what only works with scripts may show itself.
"use strict";
document.documentElement.classList.add("js");
