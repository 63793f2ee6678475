import tseslint from 'typescript-eslint';

const ambient = [{ name: 'process', message: 'Only src/config/ reads the environment; inject what you need.' }];
const clocks = [
  { selector: "CallExpression[callee.object.name='Date'][callee.property.name='now']", message: 'Take the Clock of kernel/clock.ts.' },
  { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: 'Take the Clock of kernel/clock.ts.' },
  { selector: "CallExpression[callee.object.name='Math'][callee.property.name='random']", message: 'Take randomness as a parameter.' },
  { selector: "MemberExpression[object.name='process'][property.name='env']", message: 'Only src/config/ reads the environment.' },
  // The runtime's zone rules are as old as the runtime.
  { selector: "Identifier[name='Intl']", message: 'Take zones from time/time-zone.ts.' },
  {
    selector: 'MemberExpression[property.name=/^(toLocale.*|getTimezoneOffset|[gs]et(FullYear|Month|Date|Day|Hours|Minutes))$/]',
    message: "This machine's zone says nothing here: reckon in UTC, or on a zone of time/time-zone.ts.",
  },
];

export default tseslint.config(
  { ignores: ['dist/**', 'dist-bench/**', 'node_modules/**', '.data/**', '.tools/**', 'coverage/**'] },
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { project: './tsconfig.test.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/consistent-type-definitions': ['error', 'type'],
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // `{ type: _, ...rest }` is how a property is left out.
      '@typescript-eslint/no-unused-vars': ['error', { ignoreRestSiblings: true }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      'max-params': ['error', 5],
      eqeqeq: 'error',
      'no-console': 'error',
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/config/**', 'src/infra/system.clock.ts'],
    rules: {
      'no-restricted-syntax': ['error', ...clocks],
      'max-lines-per-function': ['error', { max: 40, skipBlankLines: true, skipComments: true }],
      'max-lines': ['error', { max: 250 }],
    },
  },

  {
    files: ['src/*/**/*.ts'],
    ignores: ['src/**/*.*.ts', 'src/app/**'],
    rules: { 'no-restricted-globals': ['error', ...ambient] },
  },
  {
    // Nest types the plain options of NestFactory as a class.
    files: ['src/infra/http/express.app.ts', 'src/app/consumers.ts'],
    rules: { '@typescript-eslint/no-unsafe-class-instance-assignment': 'off' },
  },
  { files: ['bench/**/*.ts'], rules: { 'no-console': 'off' } },
  { files: ['**/*.{mjs,cjs}'], rules: { eqeqeq: 'error', 'no-unused-vars': 'error', 'prefer-const': 'error', 'no-console': 'error' } },
);
