"""Results as a table, and as a picture."""

from html import escape
from statistics import median

COLOURS = ["#4878a8", "#d08030", "#5a9a5a", "#a05a8a", "#808080", "#b0a030"]


def summary(figures, key):
    """Median, lowest and highest of the rounds."""
    values = [each[key] for each in figures]
    return median(values), min(values), max(values)


def ratio(figures, base, key):
    """The same of the ratios to `base` in the same round; none where `base` has a 0."""
    pairs = [(one[key], other[key]) for one, other in zip(figures, base)]
    if any(other == 0 for _, other in pairs):
        return None
    ratios = [one / other for one, other in pairs]
    return median(ratios), min(ratios), max(ratios)


def with_range(triple, digits):
    middle, low, high = (f"{each:,.{digits}f}" for each in triple)
    return middle if low == high else f"{middle} [{low} - {high}]"


def rows(scenario, results):
    """A row a measure: variant, measure, contenders' figures, ratios to the first."""
    for variant in scenario.variants:
        figures = results[variant.name]
        base = figures[scenario.contenders[0]]
        for measure in variant.measures:
            cells = [with_range(summary(figures[name], measure.key), measure.digits)
                     for name in scenario.contenders]
            for name in scenario.contenders[1:]:
                found = ratio(figures[name], base, measure.key)
                cells.append(with_range(found, 2) if found else "")
            yield [variant.name, measure.title, *cells]


def table(scenario, results):
    """Markdown."""
    first = scenario.contenders[0]
    head = ["", "", *scenario.contenders,
            *(f"{name} / {first}" for name in scenario.contenders[1:])]
    lines = [head, ["---"] * len(head), *rows(scenario, results)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |"
        for line in lines)


class Drawing:
    """Lines of an SVG, from the top down."""

    def __init__(self, width):
        self.width = width
        self.y = 0
        self.parts = []

    def text(self, x, text, size=12, anchor="start", weight="normal", dy=0):
        self.parts.append(f'<text x="{x:.1f}" y="{self.y + dy:.1f}" font-size="{size}" '
                          f'text-anchor="{anchor}" font-weight="{weight}">{escape(text)}</text>')

    def bar(self, x, width, height, colour):
        self.parts.append(f'<rect x="{x:.1f}" y="{self.y:.1f}" width="{max(width, 0.5):.1f}" '
                          f'height="{height}" fill="{colour}"/>')

    def range(self, low, high, dy):
        self.parts.append(f'<path d="M{low:.1f} {self.y + dy:.1f}H{high:.1f}m0 -4v8M{low:.1f} '
                          f'{self.y + dy - 4:.1f}v8" stroke="#202020" fill="none"/>')

    def svg(self):
        return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" '
                f'height="{self.y:.0f}" font-family="sans-serif" fill="#202020">\n'
                f'<rect width="100%" height="100%" fill="white"/>\n'
                + "\n".join(self.parts) + "\n</svg>\n")


def picture(scenario, results, note):
    """A panel a measure, in it a bar a contender: the median, with the range of the rounds."""
    names_width, bars_width, values_width = 90, 420, 190
    drawing = Drawing(names_width + bars_width + values_width)
    drawing.y = 24
    drawing.text(10, scenario.title, size=16, weight="bold")
    drawing.y += 18
    drawing.text(10, note, size=11)
    for variant in scenario.variants:
        drawing.y += 30
        drawing.text(10, variant.name, size=14, weight="bold")
        for measure in variant.measures:
            found = {name: summary(results[variant.name][name], measure.key)
                     for name in scenario.contenders}
            scale = bars_width / (max(high for _, _, high in found.values()) or 1)
            drawing.y += 22
            drawing.text(10, measure.title)
            drawing.y += 6
            for name, colour in zip(scenario.contenders, COLOURS):
                middle, low, high = found[name]
                drawing.text(names_width - 8, name, size=11, anchor="end", dy=12)
                drawing.bar(names_width, middle * scale, 15, colour)
                drawing.range(names_width + low * scale, names_width + high * scale, 7.5)
                drawing.text(names_width + high * scale + 8,
                             with_range(found[name], measure.digits), size=11, dy=12)
                drawing.y += 19
    drawing.y += 12
    return drawing.svg()
