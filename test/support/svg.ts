// What the plots of docs/ have in common. Read on light and dark pages. Pure.

/** Width of every plot. */
export const WIDTH = 900

/** A plot with its title on top. @param parts SVG elements, below each other */
export function svgPlot(title: string, height: number, parts: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="12">
<title>${escaped(title)}</title>
<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>
<text x="12" y="20" font-size="14" font-weight="600" fill="#1c2430">${escaped(title)}</text>
${parts.join('\n')}
</svg>
`
}

export const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
