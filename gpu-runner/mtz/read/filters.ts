import { selectColumns, selectRows, type Matrix } from '../../linalg/matrix.ts';

/**
 * Which channel of a tensor each channel of its value is, where a depthwise convolution has several filters a channel: the
 * tensor has them channel by channel, the value filter by filter.
 */
export const filterOrder = (channels: number, filters: number): number[] =>
  Array.from({ length: channels }, (_, at) => {
    const own = channels / filters;
    return (at % own) * filters + Math.floor(at / own);
  });

/** Which channel of the value each of the tensor's is: the same the other way. */
export const filterPlaces = (channels: number, filters: number): number[] =>
  filterOrder(channels, channels / filters);

/** One number a channel, in the order of the value. */
export const byFilter = (values: Float64Array, filters: number): Float64Array =>
  filters === 1 ? values : Float64Array.from(filterOrder(values.length, filters), (at) => values[at] ?? 0);

/** Rows, one a channel, in the order of the value. */
export const rowsByFilter = (weight: Matrix, filters: number): Matrix =>
  filters === 1 ? weight : selectRows(weight, filterOrder(weight.rows, filters));

/** Columns, `area` of each channel, in the order of the value. */
export function columnsByFilter(weight: Matrix, filters: number, area: number): Matrix {
  if (filters === 1) return weight;
  const order = filterOrder(weight.cols / area, filters);
  return selectColumns(
    weight,
    order.flatMap((channel) => Array.from({ length: area }, (_, k) => channel * area + k)),
  );
}
