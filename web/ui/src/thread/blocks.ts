/**
 * Rows in blocks of neighbouring seqs. In a long room most blocks stay as they are while one of them changes or an older page
 * comes, so that the work for that does not grow with what is loaded.
 */
import { type Row, sameGroup } from './rows'

/** By seq and not by count, so that what is added above or below moves no row into another block. */
const block_seqs = 32

export interface Block {
  number: number
  rows: Row[]
}

export function blocks(list: Row[]): Block[] {
  const result: Block[] = []
  /** Lines stand in the block of what they are above. */
  let lines: Row[] = []
  let block: Block | undefined
  for (const row of list) {
    lines.push(row)
    if (row.kind === 'day' || row.kind === 'new') continue
    const seq = row.kind === 'status' ? row.change.seq : (row.messages[0]?.seq ?? null)
    // What is not stored yet stands behind the last one that is.
    const number = seq === null ? (block?.number ?? 0) : Math.floor(seq / block_seqs)
    if (block?.number !== number) {
      block = { number, rows: [] }
      result.push(block)
    }
    block.rows.push(...lines)
    lines = []
  }
  return result
}

export const sameBlock = (a: Block, b: Block): boolean =>
  a.rows.length === b.rows.length && a.rows.every((row, index) => sameRow(row, b.rows[index]))

function sameRow(a: Row, b: Row | undefined): boolean {
  if (a.key !== b?.key) return false
  if (a.kind === 'group') return b.kind === 'group' && sameGroup(a, b)
  return a.kind !== 'status' || (b.kind === 'status' && a.change === b.change)
}
