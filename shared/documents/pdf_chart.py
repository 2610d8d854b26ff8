"""The chart of a document, drawn for paper: a column a period, what adds up stacked."""

from collections.abc import Sequence

from reportlab.graphics.charts.barcharts import VerticalBarChart
from reportlab.graphics.charts.legends import Legend
from reportlab.graphics.shapes import Drawing, String
from reportlab.lib import colors

from shared.documents.cells import text_of
from shared.documents.model import Chart, Column, Kind

HEIGHT = 170
MOST_LABELS = 16
COLORS = [colors.HexColor(code) for code in ("#2A6FDB", "#F2A541", "#C8553D", "#5B8E7D", "#6C5B7B")]


def bars(chart: Chart, columns: Sequence[Column], rows: Sequence[object], width: float) -> Drawing:
    """The drawing, so wide in points."""
    kinds = {column.name: column.kind for column in columns}
    headings = {column.name: column.heading for column in columns}
    values = [[_height(getattr(row, name), kinds[name]) for row in rows] for name in chart.values]
    is_empty = not any(any(line) for line in values)
    height = 14 if is_empty else HEIGHT
    drawing = Drawing(width, height)
    drawing.add(String(0, height - 10, chart.title, fontName="Helvetica-Bold", fontSize=9))
    if is_empty:
        return drawing
    plot = VerticalBarChart()
    plot.x, plot.y, plot.width, plot.height = 46, 44, int(width) - 60, HEIGHT - 64
    plot.data = values
    plot.categoryAxis.style = "stacked"
    plot.categoryAxis.categoryNames = _labels([text_of(getattr(row, chart.label), Kind.DAY) for row in rows])
    plot.categoryAxis.labels.fontSize = plot.valueAxis.labels.fontSize = 7
    plot.categoryAxis.labels.dy = -2
    plot.categoryAxis.visibleTicks = False
    plot.categoryAxis.labelAxisMode = "low"
    plot.valueAxis.labelTextFormat = "{:,.0f}".format
    plot.valueAxis.visibleGrid = True
    plot.valueAxis.gridStrokeColor = colors.HexColor("#DDE3EA")
    plot.valueAxis.strokeWidth = 0
    plot.valueAxis.forceZero = True
    plot.barSpacing, plot.groupSpacing = 0, 4
    for number in range(len(values)):
        plot.bars[number].fillColor = COLORS[number % len(COLORS)]
        plot.bars[number].strokeColor = None
    drawing.add(plot)
    drawing.add(_legend([headings[name] for name in chart.values]))
    return drawing


def _height(value: float | None, kind: Kind) -> float:
    return float(value or 0) / (100 if kind is Kind.MONEY else 1)


def _labels(names: list[str]) -> list[str]:
    """As many of the names as there is room for, evenly; the others are left empty."""
    step = -(-len(names) // MOST_LABELS)
    return [name if number % step == 0 else "" for number, name in enumerate(names)]


def _legend(names: list[str]) -> Legend:
    legend = Legend()
    legend.x, legend.y = 46, 14
    legend.fontSize = 7
    legend.alignment = "right"
    legend.columnMaximum = 1
    legend.dx = legend.dy = 6
    legend.deltax = 90
    legend.strokeWidth = 0
    legend.colorNamePairs = [(COLORS[number % len(COLORS)], name) for number, name in enumerate(names)]
    return legend
