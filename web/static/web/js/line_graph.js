// The drawing of a line: zoom by button, key or Ctrl and wheel, panning by dragging, and arrow keys from node to node.
// The server drew it whole; all that changes here is the viewBox it is seen through, and which edges are lit.

const LEAST_SCALE = 0.15, MOST_SCALE = 3, READABLE = 0.85, MOST_HEIGHT = 540, LEAST_HEIGHT = 180, STEP = 1.25;

class LineGraph {
  constructor(figure) {
    this.view = figure.querySelector(".linegraph-view");
    this.svg = figure.querySelector("svg");
    this.width = Number(this.svg.getAttribute("width"));
    this.height = Number(this.svg.getAttribute("height"));
    this.nodes = [...this.svg.querySelectorAll("a[data-box]")].map((link) => {
      const box = link.querySelector(".box");
      const at = (name) => Number(box.getAttribute(name));
      return { link, x: at("x") + at("width") / 2, y: at("y") + at("height") / 2 };
    });
    this.view.classList.add("moves");
    this.open();
    figure.querySelector(".linegraph-tools").addEventListener("click", (event) => this.press(event));
    this.view.addEventListener("keydown", (event) => this.key(event));
    this.view.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.view.addEventListener("pointerdown", (event) => this.grab(event));
    this.svg.addEventListener("focusin", (event) => this.arrive(event.target));
    this.svg.addEventListener("focusout", () => this.light(null));
    this.svg.addEventListener("pointerover", (event) => this.light(event.target.closest("a[data-box]")));
    this.svg.addEventListener("pointerleave", () => this.light(null));
    new ResizeObserver(() => this.resize()).observe(this.view);
  }

  // All of it where that can be read, else around the node the page is about.
  open() {
    this.size();
    this.fit();
    if (this.scale >= READABLE) return;
    this.scale = READABLE;
    const start = this.nodes.find((node) => node.link.hasAttribute("data-start")) ?? this.nodes[0];
    if (start) this.center(start.x, start.y);
    this.size();
    this.draw();
  }

  size() {
    this.across = Math.max(1, this.view.clientWidth);
    this.down = Math.min(MOST_HEIGHT, Math.max(LEAST_HEIGHT, this.height));  // as lines.css has it before this runs: nothing below moves
    this.svg.setAttribute("height", this.down);
  }

  // Until somebody has moved it, it is laid out anew; then what stands in the middle stays there.
  resize() {
    if (!this.touched) { this.open(); return; }
    const x = this.left + this.across / this.scale / 2, y = this.top + this.down / this.scale / 2;
    this.size();
    this.center(x, y);
    this.draw();
  }

  fit() {
    this.scale = Math.min(1, this.across / this.width, this.down / this.height);
    this.center(this.width / 2, this.height / 2);
    this.draw();
  }

  center(x, y) {
    this.left = x - this.across / this.scale / 2;
    this.top = y - this.down / this.scale / 2;
  }

  zoom(factor, x = this.left + this.across / this.scale / 2, y = this.top + this.down / this.scale / 2) {
    this.touched = true;
    const scale = Math.min(MOST_SCALE, Math.max(LEAST_SCALE, this.scale * factor));
    this.left = x - (x - this.left) * this.scale / scale;
    this.top = y - (y - this.top) * this.scale / scale;
    this.scale = scale;
    this.draw();
  }

  // Some of the drawing always stays in sight.
  draw() {
    if (!this.scale) return;
    const across = this.across / this.scale, down = this.down / this.scale;
    this.left = Math.min(this.width - 40, Math.max(40 - across, this.left));
    this.top = Math.min(this.height - 20, Math.max(20 - down, this.top));
    this.svg.setAttribute("viewBox", `${this.left} ${this.top} ${across} ${down}`);
  }

  press(event) {
    const button = event.target.closest("button[data-do]");
    if (button) this.act(button.dataset.do);
  }

  act(name) {
    if (name === "in") this.zoom(STEP);
    else if (name === "out") this.zoom(1 / STEP);
    else this.fit();
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = { "+": "in", "=": "in", "-": "out", "0": "fit" }[event.key];
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (act) this.act(act);
    else if (way) this.step(...way);
    else if (event.key === "Home") (this.nodes.find((node) => node.link.hasAttribute("data-start")) ?? this.nodes[0])?.link.focus();
    else return;
    event.preventDefault();
  }

  // The nearest node that way; what lies straight ahead counts as nearer than what lies aside.
  step(right, down) {
    const from = this.nodes.find((node) => node.link === document.activeElement);
    if (!from) {
      (this.nodes.find((node) => node.link.hasAttribute("data-start")) ?? this.nodes[0])?.link.focus();
      return;
    }
    let best = null, least = Infinity;
    for (const node of this.nodes) {
      const dx = node.x - from.x, dy = node.y - from.y;
      const ahead = dx * right + dy * down, aside = Math.abs(right ? dy : dx);
      if (ahead <= 1 || (down && aside > 1)) continue;
      const distance = ahead + aside * 2;
      if (distance < least) { least = distance; best = node; }
    }
    best?.link.focus();
  }

  // By key only: a drawing that moved under the mouse would take the box away from it.
  arrive(target) {
    const link = target.closest("a[data-box]");
    if (!link?.matches(":focus-visible")) return;
    const node = this.nodes.find((each) => each.link === link);
    if (!node) return;
    const across = this.across / this.scale, down = this.down / this.scale;
    const inside = node.x - 100 > this.left && node.x + 100 < this.left + across && node.y - 30 > this.top && node.y + 30 < this.top + down;
    if (!inside) { this.touched = true; this.center(node.x, node.y); this.draw(); }
    this.light(link);
  }

  light(link) {
    const box = link?.dataset.box;
    for (const edge of this.svg.querySelectorAll(".edge")) {
      edge.classList.toggle("near", box !== undefined && (edge.dataset.src === box || edge.dataset.dst === box));
    }
  }

  // The wheel alone scrolls the page, as everywhere else.
  wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const frame = this.svg.getBoundingClientRect();
    const x = this.left + (event.clientX - frame.left) / this.scale, y = this.top + (event.clientY - frame.top) / this.scale;
    this.zoom(event.deltaY < 0 ? STEP : 1 / STEP, x, y);
  }

  // A drag that began on a link moves the drawing and opens nothing.
  grab(event) {
    if (event.button !== 0) return;
    const begin = { x: event.clientX, y: event.clientY, left: this.left, top: this.top };
    let moved = false;
    const move = (now) => {
      const dx = now.clientX - begin.x, dy = now.clientY - begin.y;
      if (!moved && Math.hypot(dx, dy) < 4) return;
      moved = this.touched = true;
      this.view.classList.add("held");
      this.left = begin.left - dx / this.scale;
      this.top = begin.top - dy / this.scale;
      this.draw();
    };
    const end = () => {
      this.view.classList.remove("held");
      removeEventListener("pointermove", move);
      removeEventListener("pointerup", end);
      removeEventListener("pointercancel", end);
      if (!moved) return;
      const swallow = (click) => click.preventDefault();
      this.view.addEventListener("click", swallow, { capture: true });
      setTimeout(() => this.view.removeEventListener("click", swallow, { capture: true }));
    };
    addEventListener("pointermove", move);
    addEventListener("pointerup", end);
    addEventListener("pointercancel", end);
  }
}

document.addEventListener("dragstart", (event) => { if (event.target.closest?.("[data-linegraph]")) event.preventDefault(); });
for (const figure of document.querySelectorAll("[data-linegraph]")) new LineGraph(figure);
