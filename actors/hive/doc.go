// Package hive is the actor that manages one node: its workers, and the requests that wait for one.
//
// A request arrives with its reply stream as sender. The hive resolves the model on its own disk, lets package
// place decide, and forwards the request to a worker, which answers the stream directly. Until the worker releases
// it, the request stays in the hive's ledger: when the worker dies, the ledger says who must hear of it, and each
// is told exactly once.
//
// A slot is a name ("worker-0") under which workers live one after another; each life has an address of its own.
package hive
