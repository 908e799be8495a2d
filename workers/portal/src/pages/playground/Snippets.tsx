import { Button } from '../../ui/Button.tsx';
import { Card } from '../../ui/Card.tsx';
import { CodeBlock } from '../../ui/CodeBlock.tsx';
import { Tabs } from '../../ui/Tabs.tsx';
import { save } from '../bundles/save.ts';
import { bodyOf, curlOf, isInline, pythonOf, typescriptOf, type Request } from './snippets.ts';

/** The same request from elsewhere. */
export function Snippets({ request }: { readonly request: Request }) {
  const body = (): Blob => new Blob([bodyOf(request)], { type: 'application/json' });
  return (
    <Card
      title="The same from elsewhere"
      hint="Set TRUNKLINE_KEY to a key with the scope infer."
      action={
        !isInline(request) && (
          <Button small onClick={() => save('request.json', body())}>
            Save request.json
          </Button>
        )
      }
    >
      <Tabs
        label="Language"
        param="code"
        tabs={[
          { id: 'curl', label: 'curl', content: <CodeBlock label="curl" code={curlOf(request)} /> },
          {
            id: 'typescript',
            label: 'TypeScript',
            content: <CodeBlock label="TypeScript" code={typescriptOf(request)} />,
          },
          { id: 'python', label: 'Python', content: <CodeBlock label="Python" code={pythonOf(request)} /> },
        ]}
      />
    </Card>
  );
}
