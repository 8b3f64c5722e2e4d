package law

// room is a row of the table: what the Go files of one folder, and of the folders below that have no row of their own,
// may import beyond the standard library.
type room struct {
	// ours: rooms of this module, named by folder.
	ours []string
	// modules: packages of others, each with everything below it.
	modules []string
	// reason is what a person reads who has broken the rule.
	reason string
}

// Families of third-party packages that several rooms may use.
var (
	workflowAPI = []string{"go.temporal.io/sdk/workflow", "go.temporal.io/sdk/temporal", "go.temporal.io/api/enums"}
	activityAPI = []string{"go.temporal.io/sdk/activity", "go.temporal.io/sdk/temporal"}
	clientAPI   = []string{
		"go.temporal.io/sdk/client", "go.temporal.io/sdk/converter", "go.temporal.io/sdk/temporal", "go.temporal.io/api",
	}
	gin        = []string{"github.com/gin-gonic/gin"}
	uuid       = []string{"github.com/google/uuid"}
	prometheus = []string{"github.com/prometheus/client_golang"}
	xsync      = []string{"golang.org/x/sync"}
)

// forbidden is imported by no room, whatever its row says.
var forbidden = map[string]string{
	"go.temporal.io/server": "the Temporal Server belongs to the nested module dev/, or its several hundred dependencies" +
		" become the product's",
}

// table is the law of arrows. Widening a row is a decision: change the map of the rooms in docs/ along with it.
var table = map[string]room{
	"onboarding": {
		modules: uuid,
		reason:  "the domain is pure Go: no Temporal, no HTTP, no Ondato types",
	},
	"ondato": {
		ours:    []string{"internal/retryafter"},
		modules: []string{"golang.org/x/oauth2"},
		reason:  "the client of Ondato knows nothing of onboardings",
	},
	"workflows": {
		ours:    []string{"onboarding"},
		modules: workflowAPI,
		reason:  "a workflow is the domain and Temporal's workflow API; what it shares with activities is declared in onboarding",
	},
	"activities": {
		ours:    []string{"onboarding", "ondato", "notify", "handoff", "privacy"},
		modules: activityAPI,
		reason:  "an activity is a collaborator and Temporal's activity API; what it shares with workflows is declared in onboarding",
	},
	"notify": {
		ours:    []string{"onboarding", "internal/signedpost"},
		modules: []string{"github.com/wneessen/go-mail", "github.com/standard-webhooks/standard-webhooks"},
		reason:  "reaching a customer takes the domain, a mail library and a signature",
	},
	"handoff": {
		ours:    []string{"onboarding", "internal/signedpost"},
		modules: []string{"github.com/standard-webhooks/standard-webhooks"},
		reason:  "handing off takes the domain and signed posts; its tests verify with Standard Webhooks' own library",
	},
	"webhookbridge": {
		ours:    []string{"onboarding", "ondato"},
		modules: join(gin, clientAPI, uuid, prometheus, xsync, []string{"github.com/maypok86/otter/v2"}),
		reason:  "the bridge turns webhooks of Ondato into signals: gin, the Temporal client, a bounded cache and metrics",
	},
	"starter": {
		ours: []string{"onboarding", "privacy"},
		modules: join(clientAPI, uuid, []string{
			"github.com/go-playground/validator/v10", "github.com/nyaruka/phonenumbers", "golang.org/x/net/idna", "golang.org/x/text/language",
		}),
		reason: "backend teams import starter: the Temporal client comes along, and the tables of phone numbers, countries and" +
			" languages; nothing else (gin only in starter/httpapi)",
	},
	"starter/batch": {
		ours:    []string{"starter", "onboarding", "internal/strictjson"},
		modules: []string{"golang.org/x/time/rate"},
		reason:  "a batch is calls of starter for the lines of a file, at a bounded rate",
	},
	"starter/httpapi": {
		ours:    []string{"starter", "onboarding", "privacy", "internal/strictjson"},
		modules: join(gin, uuid, prometheus, []string{"golang.org/x/time/rate"}),
		reason:  "the HTTP API stands on starter: gin, a rate limit and metrics",
	},
	"privacy": {
		modules: join([]string{
			"go.temporal.io/sdk/converter", "go.temporal.io/sdk/temporal", "go.temporal.io/sdk/workflow", "go.temporal.io/api",
			"google.golang.org/protobuf", "github.com/tink-crypto", "modernc.org/sqlite", "github.com/jackc/pgx",
			"github.com/maypok86/otter/v2",
		}),
		reason: "encryption takes Temporal's converter and api, tink, the key stores and a bounded cache (gin only in privacy/codecserver)",
	},
	"privacy/codecserver": {
		ours: []string{"privacy"},
		modules: join(gin, uuid, prometheus, []string{
			"github.com/gin-contrib/cors", "github.com/gorilla/securecookie", "golang.org/x/time",
			"go.temporal.io/sdk/converter", "go.temporal.io/api",
		}),
		reason: "the codec server shows payloads to those who may see them: gin with CORS, a signed cookie, a rate limit, and metrics",
	},
	"worker": {
		ours: []string{
			"onboarding", "ondato", "workflows", "activities", "notify", "handoff", "webhookbridge", "starter", "privacy",
		},
		modules: []string{"go.temporal.io/sdk", "go.temporal.io/api"},
		reason:  "the worker wires rooms to Temporal; configuration is for app",
	},
	"sandbox": {
		modules: join(gin, uuid, []string{"go.etcd.io/bbolt"}),
		reason:  "the sandbox imports nothing of ours: a mistake must not cancel itself out",
	},
	"app": {
		ours: []string{
			"onboarding", "ondato", "workflows", "activities", "notify", "handoff", "webhookbridge", "starter",
			"starter/httpapi", "privacy", "privacy/codecserver", "worker", "sandbox",
		},
		modules: join(prometheus, uuid, xsync, []string{
			"go.temporal.io/sdk", "go.temporal.io/api", "go.opentelemetry.io/otel", "go.yaml.in/yaml/v3",
			"github.com/BurntSushi/toml", "github.com/mattn/go-isatty",
		}),
		reason: "app is configuration, logging, metrics, health and one function per program; gin and stores stay in their rooms",
	},
	"cmd/onboarding": {
		ours:    []string{"app", "onboarding", "starter", "starter/batch", "internal/strictjson"},
		modules: []string{"github.com/spf13/cobra", "github.com/spf13/pflag", "golang.org/x/term"},
		reason: "the command is thin: programs are functions of app, steering is a call of starter or of a batch of such calls;" +
			" it draws on terminals alone",
	},
	"internal/signedpost": {
		ours:    []string{"onboarding", "internal/retryafter"},
		modules: []string{"github.com/standard-webhooks/standard-webhooks", "code.dny.dev/ssrf"},
		reason: "what handoff and notify share: a signed POST that goes to public addresses only; it reports problems as" +
			" onboarding's field errors",
	},
	"internal/postgrestest": {
		reason: "tests start a PostgreSQL with it; it takes its programs and nothing else",
	},
	"internal/retryafter": {
		reason: "ondato and signedpost heed the same header",
	},
	"internal/strictjson": {
		ours:   []string{"onboarding"},
		reason: "requests are read the same at every door, by encoding/json's tokens",
	},
	"internal/law": {
		reason: "the law consists of tests",
	},
}

func join(families ...[]string) []string {
	var all []string
	for _, family := range families {
		all = append(all, family...)
	}
	return all
}
