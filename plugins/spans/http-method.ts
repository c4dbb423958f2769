/** Methods that the conventions know; anything else is `_OTHER`, and `HTTP` in names. */
const METHODS: ReadonlySet<string> = new Set(
  'CONNECT DELETE GET HEAD OPTIONS PATCH POST PUT TRACE QUERY'.split(' '),
)

/** How a method stands in the name of a span, and in `http.request.method`. */
export const spanMethod = (method: string): { readonly verb: string; readonly method: string } =>
  METHODS.has(method) ? { verb: method, method } : { verb: 'HTTP', method: '_OTHER' }
