// Pages that are opened from a disk may neither start a worker nor fetch the index: both are then loaded as scripts.
if (location.protocol === "file:") {
  const load = (address) =>
    new Promise((resolve, reject) => {
      const script = Object.assign(document.createElement("script"), { src: address, onload: resolve, onerror: reject });
      document.head.append(script);
    });

  // Does what search/worker.js does, in the page.
  window.Worker = class {
    constructor(address) {
      this.folder = address.slice(0, address.lastIndexOf("/") + 1);
    }

    async postMessage({ init, query }) {
      if (init) {
        await load(`${this.folder}lunr.js`);
        await load(`${this.folder}search_index.js`);
        const { config, docs } = window.searchIndex;
        lunr.tokenizer.separator = new RegExp(config.separator);
        this.pages = new Map(docs.map((each) => [each.location, each]));
        this.index = lunr(function () {
          this.field("title");
          this.field("text");
          this.ref("location");
          docs.forEach((each) => this.add(each));
        });
        this.onmessage({ data: { config } });
        this.onmessage({ data: { allowSearch: true } });
      } else {
        const found = this.index.search(query).map(({ ref }) => this.pages.get(ref));
        this.onmessage({ data: { results: found.map((each) => ({ ...each, summary: each.text.slice(0, 200) })) } });
      }
    }
  };
}
