import type { Problem } from './problem.ts'

/** What mends it: both for `status` and `doctor`. */
export const LET_KONG_REACH =
  'run kongsul plugins as the user of Kong’s worker processes, or give the folder of the sockets to their group ' +
  '(chgrp, chmod 2750) and start kongsul plugins again; where Kong runs in a container, mount the folder there under the same path'

/** One for each node whose Kong answers 500 and does not call its plugin process. */
export function pluginsUnreached(
  nodes: readonly { readonly node: string; readonly fromKong?: { readonly unasked: number } | undefined }[],
): Problem[] {
  return nodes.flatMap(({ node, fromKong: { unasked } = { unasked: 0 } }) =>
    unasked === 0
      ? []
      : [
          {
            code: 'PLUGINS_UNREACHED',
            severity: 'error',
            service: '',
            message:
              `Kong on ${node} has answered ${unasked} requests with 500 since it last called a plugin, whose process runs: ` +
              `its worker processes may not open the sockets, or do not see them; ${LET_KONG_REACH}. ` +
              'Kong’s error log names the socket',
          },
        ],
  )
}
