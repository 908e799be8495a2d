import type { ReactNode, SVGProps } from 'react';

// Drawn here: sixteen pixels, one stroke, the colour of the text beside them. None says anything that the text does not.

function Icon({ children, ...rest }: SVGProps<SVGSVGElement> & { readonly children: ReactNode }) {
  return (
    <svg
      width="16"
      height="16"
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.6"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      {...rest}
    >
      {children}
    </svg>
  );
}

export const Chevron = () => (
  <Icon>
    <path d="m4 6 4 4 4-4" />
  </Icon>
);
export const Tick = () => (
  <Icon>
    <path d="m3 8.5 3.2 3L13 4.5" />
  </Icon>
);
export const Cross = () => (
  <Icon>
    <path d="m4 4 8 8M12 4l-8 8" />
  </Icon>
);
export const Bars = () => (
  <Icon>
    <path d="M2 4h12M2 8h12M2 12h12" />
  </Icon>
);
export const Copy = () => (
  <Icon>
    <rect x="5.5" y="5.5" width="8" height="8" rx="1.5" />
    <path d="M3.5 10.5h-1v-8h8v1" />
  </Icon>
);
export const Upload = () => (
  <Icon>
    <path d="M8 10.5v-8M4.8 5.5 8 2.3l3.2 3.2M2.5 10.5v3h11v-3" />
  </Icon>
);
export const Warning = () => (
  <Icon>
    <path d="M8 2 1.8 13.2h12.4zM8 6.5v3M8 11.4v.1" />
  </Icon>
);
export const Sun = () => (
  <Icon>
    <circle cx="8" cy="8" r="2.8" />
    <path d="M8 1.5v1M8 13.5v1M1.5 8h1M13.5 8h1M3.4 3.4l.7.7M11.9 11.9l.7.7M12.6 3.4l-.7.7M4.1 11.9l-.7.7" />
  </Icon>
);
export const Moon = () => (
  <Icon>
    <path d="M13.5 9.5A6 6 0 0 1 6.5 2.5a6 6 0 1 0 7 7z" />
  </Icon>
);
export const Screen = () => (
  <Icon>
    <rect x="2" y="3" width="12" height="8" rx="1.2" />
    <path d="M6 13.5h4" />
  </Icon>
);
export const Models = () => (
  <Icon>
    <circle cx="3.5" cy="4" r="1.5" />
    <circle cx="3.5" cy="12" r="1.5" />
    <circle cx="12.5" cy="8" r="1.5" />
    <path d="m5 4.7 6 2.6M5 11.3l6-2.6" />
  </Icon>
);
export const Datasets = () => (
  <Icon>
    <path d="M2.5 2.5h4.5v4.5H2.5zM9 2.5h4.5v4.5H9zM2.5 9h4.5v4.5H2.5zM9 9h4.5v4.5H9z" />
  </Icon>
);
export const Merges = () => (
  <Icon>
    <path d="M2 3.5h2.5c3 0 3 4.5 6 4.5H14M2 12.5h2.5c3 0 3-4.5 6-4.5M11.8 5.8 14 8l-2.2 2.2" />
  </Icon>
);
export const Bundles = () => (
  <Icon>
    <path d="M2 8h5M7 8c3.5 0 3.5-4.5 7-4.5M7 8c3.5 0 3.5 4.5 7 4.5M7 8h7" />
  </Icon>
);
export const Playground = () => (
  <Icon>
    <path d="m3 13 1-3.2L11 2.8l2.2 2.2-7 7zM9.6 4.2l2.2 2.2" />
  </Icon>
);
export const Experiments = () => (
  <Icon>
    <path d="M6 2h4M6.7 2v4L3 12.3c-.5.9 0 1.7 1 1.7h8c1 0 1.5-.8 1-1.7L9.3 6V2M4.6 10h6.8" />
  </Icon>
);
export const Operations = () => (
  <Icon>
    <path d="M1.5 8.5h3l2-5.5 3 10 2-4.5h3" />
  </Icon>
);
export const Leave = () => (
  <Icon>
    <path d="M6.5 2.5h-4v11h4M10.5 5l3 3-3 3M13 8H6" />
  </Icon>
);
