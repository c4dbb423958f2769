import type { Address } from './address.ts'
import type { Algorithm, Selection } from './algorithm.ts'

/** Fewest requests in flight per weight; equals take turns. A retry avoids the addresses that failed it so far. */
export function leastConnections(addresses: readonly Address[]): Algorithm {
  let picks = 0

  function best(excluded: ReadonlySet<Address>): Address | null {
    let found: Address | null = null
    for (const address of addresses) {
      if (!address.available || excluded.has(address)) continue
      if (!found || isBefore(address, found)) found = address
    }
    return found
  }

  return {
    pick(selection) {
      if (selection.address) {
        selection.failed.add(selection.address)
        release(selection)
      }
      let address = best(selection.failed)
      if (!address) {
        selection.failed.clear()
        address = best(selection.failed)
      }
      if (!address) return null
      address.connections++
      address.lastPick = ++picks
      return address
    },
    refresh: () => {},
    finish: release,
  }
}

function isBefore(a: Address, b: Address): boolean {
  const loadA = (a.connections + 1) / a.weight
  const loadB = (b.connections + 1) / b.weight
  return loadA === loadB ? a.lastPick < b.lastPick : loadA < loadB
}

function release(selection: Selection): void {
  if (!selection.address) return
  selection.address.connections--
  selection.address = null
}
