import { useQuery } from '@tanstack/react-query';
import { resolutions, type EndpointTraffic as Traffic } from '../../../../../shared/traffic.ts';
import { useApi } from '../../api/ApiContext.tsx';
import { taskColour } from '../../charts/colours.ts';
import { LineChart } from '../../charts/LineChart.tsx';
import { Card, Stats } from '../../ui/Card.tsx';
import { formatDuration, formatExact, formatPlural } from '../../ui/format.ts';
import { Loaded } from '../../ui/Loaded.tsx';
import { Tabs } from '../../ui/Tabs.tsx';
import {
  errorRate,
  errorsText,
  formatMoment,
  latencyText,
  linesOf,
  ranges,
  startOf,
  type Range,
} from './trafficView.ts';

/** Requests, errors and latency of an endpoint over time. */
export function EndpointTraffic({ endpoint }: { readonly endpoint: string }) {
  return (
    <Card
      title="Traffic"
      hint="As the edge counts it. Latency is by the Worker’s clock, which Cloudflare stops while a Worker computes: there it tells what was waited for."
    >
      <Tabs
        label="Stretch of time"
        param="range"
        tabs={ranges.map((range) => ({
          id: range.id,
          label: range.label,
          content: <RangeTraffic endpoint={endpoint} range={range} />,
        }))}
      />
    </Card>
  );
}

function RangeTraffic({ endpoint, range }: { readonly endpoint: string; readonly range: Range }) {
  const { client } = useApi();
  const query = useQuery({
    queryKey: ['endpoints', 'traffic', endpoint, range.id],
    refetchInterval: 10_000,
    queryFn: () =>
      client.endpoints.traffic(endpoint, {
        from: startOf(range, Date.now()),
        resolution: range.resolution,
      }),
  });
  return (
    <Loaded query={query}>
      {(traffic) => (
        <>
          <Totals traffic={traffic} />
          {traffic.total.requests > 0 && <Charts traffic={traffic} range={range} />}
        </>
      )}
    </Loaded>
  );
}

function Totals({ traffic: { total } }: { readonly traffic: Traffic }) {
  const { requests, samples, errors } = total;
  return (
    <Stats
      items={[
        {
          label: 'Requests',
          value: formatExact(requests),
          hint:
            requests === 0 ? 'nobody asked' : formatPlural(samples, 'sample answered', 'samples answered'),
        },
        { label: 'Refused', value: errorRate(total), hint: errorsText(errors) || 'none' },
        { label: 'Latency, p50', value: latencyText(total, 'p50') },
        { label: 'Latency, p95', value: latencyText(total, 'p95') },
        { label: 'Latency, p99', value: latencyText(total, 'p99') },
      ]}
    />
  );
}

function Charts({ traffic, range }: { readonly traffic: Traffic; readonly range: Range }) {
  const lines = linesOf(traffic, range.unitMs);
  const x = {
    label: 'local time',
    format: (value: number) => formatMoment(lines.originMs + value * range.unitMs, range.unitMs),
    whole: range.unitMs === resolutions.day,
    tickWidth: 80,
  };
  // Few points may each stand alone between hours in which nothing was answered.
  const dots = lines.p50.filter(({ y }) => y !== null).length <= 60;
  const told = `${range.label}, a point each ${range.resolution}.`;
  return (
    <div className="grid">
      <LineChart
        title={`Requests each ${range.resolution}`}
        description={told}
        x={x}
        // At least five, so that ticks are whole numbers.
        y={{ label: `requests each ${range.resolution}`, format: formatExact, include: [0, 5] }}
        series={[
          { label: 'answered', colour: taskColour(0), points: lines.answered },
          { label: 'refused', colour: 'var(--bad)', points: lines.refused, dashed: true },
        ]}
      />
      <LineChart
        title="Latency of answers"
        description={told}
        x={x}
        y={{ label: 'latency', format: formatDuration, include: [0] }}
        series={[
          { label: 'p50', colour: taskColour(0), points: lines.p50, dots },
          { label: 'p95', colour: taskColour(1), points: lines.p95, dots, dashed: true },
        ]}
      />
    </div>
  );
}
