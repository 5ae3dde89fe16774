// The results that are there: of each group its last measurement, with its commit and day, whatever was measured since.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isNoisy, middle, yardstick } from './stats.mjs'

/** Reads what `make bench` has kept, in the order of the plan. */
export function readBook(folder, order) {
  const paths = order.map((key) => join(folder, `${key}.json`)).filter((path) => existsSync(path))
  return new Book(paths.map((path) => JSON.parse(readFileSync(path, 'utf8'))))
}

export class Book {
  constructor(groups) {
    this.groups = groups
    this.all = groups.flatMap(({ runs }) => runs)
    this.reference = yardstick(this.all)
  }

  /** The cell with this id, if it was measured. */
  cell(id) {
    return this.groups.flatMap(({ cells }) => cells).find((cell) => cell.id === id)
  }

  /** Runs of a peer in a cell that came to a result. */
  runs(cell, peer) {
    return this.all.filter((run) => run.cell === cell && run.peer === peer && run.result)
  }

  /** What a reader finds in each of them. */
  values(cell, peer, read) {
    const values = this.runs(cell, peer).map(({ result }) => read(result))
    return values.filter((value) => value !== undefined && value !== null && !Number.isNaN(value))
  }

  value(cell, peer, read) {
    return middle(this.values(cell, peer, read))
  }

  isNoisy(run) {
    return isNoisy(run, this.reference)
  }
}
