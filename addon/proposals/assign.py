"""A one-to-one assignment with the greatest total score."""

from collections.abc import Hashable, Mapping
from typing import TypeVar

Row = TypeVar("Row", bound=Hashable)
Column = TypeVar("Column", bound=Hashable)


def assign(scores: Mapping[Row, Mapping[Column, float]]) -> dict[Row, Column]:
    """The column of each row such that the sum of scores is greatest; no column twice.

    Pairs without a score are not made. Rows and columns that are not connected by any score are
    solved separately, so that many schools with different names cost little.
    """
    found: dict[Row, Column] = {}
    for rows in _clusters(scores):
        columns = list({column: None for row in rows for column in scores[row]})
        if len(rows) == 1:
            found[rows[0]] = max(columns, key=lambda column: scores[rows[0]][column])
            continue
        # A dummy column for each row lets the row stay unassigned.
        costs = [
            [-scores[row].get(column, 0.0) for column in columns] + [0.0] * len(rows)
            for row in rows
        ]
        for number, chosen in enumerate(_hungarian(costs)):
            if chosen < len(columns) and columns[chosen] in scores[rows[number]]:
                found[rows[number]] = columns[chosen]
    return found


def _clusters(scores: Mapping[Row, Mapping[Column, float]]) -> list[list[Row]]:
    """The rows grouped with those that compete for the same columns."""
    users: dict[Column, list[Row]] = {}
    for row, columns in scores.items():
        for column in columns:
            users.setdefault(column, []).append(row)
    seen: set[Row] = set()
    clusters: list[list[Row]] = []
    for start, columns in scores.items():
        if start in seen or not columns:
            continue
        seen.add(start)
        cluster = [start]
        for row in cluster:
            for column in scores[row]:
                for other in users[column]:
                    if other not in seen:
                        seen.add(other)
                        cluster.append(other)
        clusters.append(cluster)
    return clusters


def _hungarian(costs: list[list[float]]) -> list[int]:
    """The column of each row at the lowest total cost; needs at least as many columns as rows."""
    height, width = len(costs), len(costs[0])
    of_row, of_column = [0.0] * (height + 1), [0.0] * (width + 1)
    row_at, came_from = [0] * (width + 1), [0] * (width + 1)
    for row in range(1, height + 1):
        row_at[0], at = row, 0
        least, used = [float("inf")] * (width + 1), [False] * (width + 1)
        while row_at[at]:
            used[at] = True
            here, step, following = row_at[at], float("inf"), 0
            line, bias = costs[here - 1], of_row[here]
            for column in range(1, width + 1):
                if used[column]:
                    continue
                cost = line[column - 1] - bias - of_column[column]
                if cost < least[column]:
                    least[column], came_from[column] = cost, at
                if least[column] < step:
                    step, following = least[column], column
            for column in range(width + 1):
                if used[column]:
                    of_row[row_at[column]] += step
                    of_column[column] -= step
                else:
                    least[column] -= step
            at = following
        while at:
            row_at[at] = row_at[came_from[at]]
            at = came_from[at]
    chosen = [0] * height
    for column in range(1, width + 1):
        if row_at[column]:
            chosen[row_at[column] - 1] = column - 1
    return chosen
