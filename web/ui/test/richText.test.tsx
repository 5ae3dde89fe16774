/** What becomes a link, code or a large emoji, and what must stay text. */
import { renderToStaticMarkup } from 'react-dom/server'
import { expect, test } from 'vitest'
import { extension, splitName } from '../src/files/fileName'
import { isEmojiOnly, richText } from '../src/thread/richText'

const html = (text: string) => renderToStaticMarkup(richText(text))

test('an address is a link without the full stop after it', () => {
  expect(html('See https://a.example/x?y=1. Bye')).toContain('href="https://a.example/x?y=1"')
  expect(html('(https://a.example/x)')).toContain('href="https://a.example/x"')
  expect(html('https://a.example/x_(y)')).toContain('href="https://a.example/x_(y)"')
})

test('no other scheme becomes a link', () => {
  expect(html('javascript:alert(1) data:text/html,x ftp://a.example')).not.toContain('<a')
})

test('markup is text', () => {
  expect(html('<img src=x onerror=alert(1)>')).toBe('&lt;img src=x onerror=alert(1)&gt;')
})

test('backticks make code, three of them a block', () => {
  expect(html('try `ls -l`')).toContain('<code dir="ltr">ls -l</code>')
  expect(html('```sh\nls\n```\nthen')).toMatch(/<pre[^>]*><code>ls<\/code><\/pre>then/)
})

test('one to three emoji alone are large', () => {
  expect(isEmojiOnly('💛')).toBe(true)
  expect(isEmojiOnly('👩‍👩‍👧 🇩🇪 👍🏽')).toBe(true)
  expect(isEmojiOnly('💛💛💛💛')).toBe(false)
  expect(isEmojiOnly('💛!')).toBe(false)
  expect(isEmojiOnly('12')).toBe(false)
})

test('a long file name keeps its end', () => {
  expect(splitName('Return label RX-20417.pdf')).toEqual(['Return label RX-20', '417.pdf'])
  expect(extension('archive.tar.gz')).toBe('GZ')
  expect(extension('README')).toBe('FILE')
})
