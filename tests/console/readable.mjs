// What WCAG 2.1 asks of colours, measured in a page (sections 1.4.3, 1.4.11 and 2.4.7).

// In the page: every text that has less contrast with what is behind it than 4.5, as "text: ratio".
export function faintTexts() {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  // Red, green, blue (0 to 255), alpha (0 to 1) of any CSS colour.
  const parts = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
    return [red, green, blue, alpha / 255];
  };
  const luminance = (rgb) => {
    const [red, green, blue] = rgb.map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const [red, green, blue, alpha] = parts(getComputedStyle(each).backgroundColor);
      if (alpha > 0.99) return [red, green, blue];
    }
    return [255, 255, 255];
  };
  const ratio = (one, other) => {
    const [darker, lighter] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (lighter + 0.05) / (darker + 0.05);
  };
  const faint = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let looked = 0;
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim();
    const element = walker.currentNode.parentElement;
    if (!text || !element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const colour = element instanceof SVGElement ? style.fill : style.color;
    const contrast = ratio(parts(colour).slice(0, 3), behind(element));
    looked += 1;
    if (contrast < 4.5) faint.push(`${text}: ${contrast.toFixed(2)}`);
  }
  for (const field of document.querySelectorAll("input:not([type=checkbox]), textarea, select")) {
    if (!field.checkVisibility()) continue;
    const contrast = ratio(
      parts(getComputedStyle(field).borderTopColor).slice(0, 3),
      behind(field.parentElement),
    );
    if (contrast < 3) faint.push(`the border of ${field.id}: ${contrast.toFixed(2)}`);
  }
  return { looked, faint };
}

// In the page: empty if the focused element has a ring and nothing sticky lies over it, else what is wrong.
export function focusTrouble() {
  const element = document.activeElement;
  const style = getComputedStyle(element);
  const box = element.getBoundingClientRect();
  const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  const name = `${element.localName} ${element.id} ${element.textContent.trim().slice(0, 30)}`;
  if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2) return `${name}: no ring`;
  if (element.contains(top) || top?.contains(element)) return "";
  return `${name}: under ${top?.localName} ${top?.className}`;
}
