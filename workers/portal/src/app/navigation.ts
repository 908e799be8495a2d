import type { ComponentType } from 'react';
import { Bundles, Datasets, Experiments, Merges, Models, Operations, Playground } from '../ui/icons.tsx';

export interface NavigationItem {
  readonly to: string;
  readonly label: string;
  readonly icon: ComponentType;
  /** Other addresses whose pages belong here. */
  readonly also?: readonly string[];
}

/** In the order of the work: what there is, what is made of it, what it does. */
export const navigation: readonly NavigationItem[] = [
  { to: '/models', label: 'Models', icon: Models },
  { to: '/datasets', label: 'Data sets', icon: Datasets },
  { to: '/merges', label: 'Merges', icon: Merges, also: ['/jobs', '/merge'] },
  { to: '/bundles', label: 'Bundles', icon: Bundles },
  { to: '/playground', label: 'Playground', icon: Playground },
  { to: '/experiments', label: 'Experiments', icon: Experiments },
  { to: '/operations', label: 'Operations', icon: Operations },
];

export const isWithin = (item: NavigationItem, location: string): boolean =>
  [item.to, ...(item.also ?? [])].some((path) => location === path || location.startsWith(`${path}/`));
