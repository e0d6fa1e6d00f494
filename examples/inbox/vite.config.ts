import { defineConfig } from 'vite'

// Relative addresses, so that the pages can lie anywhere. The inbox is index.html; the other two are for the demo.
export default defineConfig({
  base: './',
  build: { target: 'es2022', rollupOptions: { input: ['index.html', 'phone.html', 'demo.html'] } },
})
