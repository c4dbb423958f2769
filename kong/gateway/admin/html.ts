/** The pages nginx sends by itself, before Kong has a say. */

import type { Answer } from './answer.ts'

const TITLES: Readonly<Record<number, string>> = {
  400: '400 Bad Request',
  413: '413 Request Entity Too Large',
  415: '415 Unsupported Media Type',
}

export function errorPage(status: number): Answer {
  const title = TITLES[status] ?? String(status)
  const lines = [
    '<html>',
    `<head><title>${title}</title></head>`,
    '<body>',
    `<center><h1>${title}</h1></center>`,
  ]
  return { status, html: `${[...lines, '</body>', '</html>'].join('\r\n')}\r\n` }
}
