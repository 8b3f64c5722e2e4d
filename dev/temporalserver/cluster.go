package temporalserver

import (
	"time"

	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/membership/static"
	"go.temporal.io/server/common/primitives"
	"go.temporal.io/server/temporal"
)

const (
	clusterName = "active" // kept in the database, so it must never change
	storeName   = "sqlite"
	disabled    = "disabled"
)

// clusterLayout is one server's place on the machine: all addresses are known before anything starts.
type clusterLayout struct {
	frontendIP   string
	frontendPort int
	httpPort     int // the frontend's HTTP API
	internal     map[primitives.ServiceName]int
}

// layOut finds the ports. Those of the services behind the frontend are on loopback whatever the host: they trust
// whoever reaches them.
func layOut(s settings) (clusterLayout, error) {
	layout := clusterLayout{frontendIP: s.bindIP, internal: make(map[primitives.ServiceName]int)}
	var err error
	if layout.frontendPort, err = portFor(s.bindIP, s.FrontendPort, "the Temporal frontend", "--port"); err != nil {
		return clusterLayout{}, err
	}
	if layout.httpPort, err = freePort(s.bindIP); err != nil {
		return clusterLayout{}, err
	}
	for _, service := range []primitives.ServiceName{primitives.HistoryService, primitives.MatchingService, primitives.WorkerService} {
		if layout.internal[service], err = freePort(loopback); err != nil {
			return clusterLayout{}, err
		}
	}
	return layout, nil
}

// options assembles the server: one cluster of one host, one history shard, everything in one SQLite database.
func (l clusterLayout) options(s settings, db *config.SQL, logger *serverLog) []temporal.ServerOption {
	frontend := address(s.reachIP, l.frontendPort)
	services := map[string]config.Service{
		string(primitives.FrontendService): {RPC: config.RPC{GRPCPort: l.frontendPort, HTTPPort: l.httpPort, BindOnIP: l.frontendIP}},
	}
	// Fixed hosts instead of a membership protocol: nothing to gossip with, and no ports for it.
	hosts := map[primitives.ServiceName]static.Hosts{primitives.FrontendService: static.SingleLocalHost(frontend)}
	for service, port := range l.internal {
		services[string(service)] = config.Service{RPC: config.RPC{GRPCPort: port, BindOnIP: loopback}}
		hosts[service] = static.SingleLocalHost(address(loopback, port))
	}

	conf := &config.Config{
		Global: config.Global{Membership: config.Membership{MaxJoinDuration: 30 * time.Second}},
		Persistence: config.Persistence{
			DefaultStore:     storeName,
			VisibilityStore:  storeName,
			NumHistoryShards: 1,
			DataStores:       map[string]config.DataStore{storeName: {SQL: db}},
		},
		ClusterMetadata: &cluster.Config{
			FailoverVersionIncrement: 10,
			MasterClusterName:        clusterName,
			CurrentClusterName:       clusterName,
			ClusterInformation: map[string]cluster.ClusterInformation{clusterName: {
				Enabled:                true,
				InitialFailoverVersion: 1,
				RPCAddress:             frontend,
				HTTPAddress:            address(s.reachIP, l.httpPort),
			}},
		},
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		PublicClient:        config.PublicClient{HostPort: frontend},
		Services:            services,
		Archival: config.Archival{
			History:    config.HistoryArchival{State: disabled},
			Visibility: config.VisibilityArchival{State: disabled},
		},
		NamespaceDefaults: config.NamespaceDefaults{Archival: config.ArchivalNamespaceDefaults{
			History:    config.HistoryArchivalNamespaceDefaults{State: disabled},
			Visibility: config.VisibilityArchivalNamespaceDefaults{State: disabled},
		}},
	}
	return []temporal.ServerOption{
		temporal.WithConfig(conf),
		temporal.ForServices(temporal.DefaultServices),
		temporal.WithStaticHosts(hosts),
		temporal.WithDynamicConfigClient(s.dynamic),
		temporal.WithLogger(logger),
		temporal.WithAuthorizer(authorization.NewNoopAuthorizer()),
		temporal.WithClaimMapper(func(*config.Config) authorization.ClaimMapper { return authorization.NewNoopClaimMapper() }),
	}
}
