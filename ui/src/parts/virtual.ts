import { Virtualizer, elementScroll, observeElementOffset, observeElementRect } from "@tanstack/virtual-core";
import type { RefObject } from "preact";
import { useLayoutEffect, useReducer, useState } from "preact/hooks";

interface Wanted {
  count: number;
  element: RefObject<HTMLElement | null>;
  /** Pixels, before a row has been measured. */
  estimate: (index: number) => number;
  key: (index: number) => string;
}

/** The rows of a long list that are near the window, measured as they appear. */
export function useVirtualRows({ count, element, estimate, key }: Wanted): Virtualizer<HTMLElement, HTMLElement> {
  const [, redraw] = useReducer((times: number, _: undefined) => times + 1, 0);
  const options = {
    count,
    getScrollElement: () => element.current,
    estimateSize: estimate,
    getItemKey: key,
    overscan: 8,
    paddingStart: 8,
    paddingEnd: 120,
    scrollToFn: elementScroll<HTMLElement>,
    observeElementRect,
    observeElementOffset,
    onChange: () => redraw(undefined),
  };
  const [virtualizer] = useState(() => new Virtualizer<HTMLElement, HTMLElement>(options));
  virtualizer.setOptions(options);
  useLayoutEffect(() => virtualizer._didMount(), []);
  useLayoutEffect(() => virtualizer._willUpdate());
  return virtualizer;
}
