/** File names as cards show them: the end stays readable, the extension has its own tile. */

const tail_chars = 7

/** At most four letters; `FILE` without an extension. */
export function extension(name: string): string {
  const found = /\.([\p{L}\p{N}]{1,8})$/u.exec(name)?.[1] ?? ''
  return (found || 'file').slice(0, 4).toUpperCase()
}

/** A part that may be cut and the end that may not, so that a long name reads "Return label RX-2…17.pdf". */
export function splitName(name: string): [string, string] {
  const letters = [...name]
  if (letters.length <= tail_chars * 2) return [name, '']
  return [letters.slice(0, -tail_chars).join(''), letters.slice(-tail_chars).join('')]
}
