package app

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/sdk/client"

	"kyc/onboarding"
)

// namespacePatience bounds the calls about a namespace.
const namespacePatience = 30 * time.Second

// searchAttributes are those that the onboardings use, with their types.
func searchAttributes() map[string]enumspb.IndexedValueType {
	return map[string]enumspb.IndexedValueType{
		onboarding.AttributeStage:     enumspb.INDEXED_VALUE_TYPE_KEYWORD,
		onboarding.AttributeOutcome:   enumspb.INDEXED_VALUE_TYPE_KEYWORD,
		onboarding.AttributeSetup:     enumspb.INDEXED_VALUE_TYPE_KEYWORD,
		onboarding.AttributeAttempt:   enumspb.INDEXED_VALUE_TYPE_INT,
		onboarding.AttributeAttention: enumspb.INDEXED_VALUE_TYPE_KEYWORD_LIST,
		onboarding.AttributeDeadline:  enumspb.INDEXED_VALUE_TYPE_DATETIME,
	}
}

// SetupNamespace registers the search attributes in the configured namespace; it may be repeated. Where the server does
// not let clients do that, as Temporal Cloud, the error says what to run instead.
func SetupNamespace(ctx context.Context, cfg *Config, logger *slog.Logger) error {
	temporal, err := dial(ctx, cfg, logger, nil, func(*client.Options) {}) // no payload is read or written here
	if err != nil {
		return err
	}
	defer temporal.Close()
	ctx, cancel := context.WithTimeout(ctx, namespacePatience)
	defer cancel()
	missing, wrong, err := attributesToAdd(ctx, cfg, temporal)
	if err != nil {
		return fmt.Errorf("reading the search attributes of namespace %s: %w\n%s", cfg.Namespace(), err, attributeCommands(cfg))
	}
	if len(wrong) > 0 {
		return fmt.Errorf("namespace %s has search attributes of another type: %s; remove them first", cfg.Namespace(), strings.Join(wrong, ", "))
	}
	if len(missing) > 0 {
		_, err = temporal.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
			Namespace: cfg.Namespace(), SearchAttributes: missing,
		})
		if err != nil {
			return fmt.Errorf("adding the search attributes to namespace %s: %w\n%s", cfg.Namespace(), err, attributeCommands(cfg))
		}
	}
	// A new attribute takes a moment to reach every part of the server.
	for {
		if err = CheckNamespace(ctx, cfg, temporal); err == nil {
			logger.Info("namespace is ready", "namespace", cfg.Namespace(), "added", len(missing))
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// CheckNamespace returns an error that names the remedy when a search attribute is missing.
func CheckNamespace(ctx context.Context, cfg *Config, temporal client.Client) error {
	ctx, cancel := context.WithTimeout(ctx, namespacePatience)
	defer cancel()
	missing, wrong, err := attributesToAdd(ctx, cfg, temporal)
	if err != nil {
		return fmt.Errorf("reading the search attributes of namespace %s: %w", cfg.Namespace(), err)
	}
	if wrong = append(wrong, slices.Sorted(maps.Keys(missing))...); len(wrong) > 0 {
		return fmt.Errorf("namespace %s lacks search attributes (%s): run `onboarding setup-namespace` once", cfg.Namespace(), strings.Join(wrong, ", "))
	}
	return nil
}

func attributesToAdd(ctx context.Context, cfg *Config, temporal client.Client) (missing map[string]enumspb.IndexedValueType, wrong []string, err error) {
	known, err := temporal.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: cfg.Namespace()})
	if err != nil {
		return nil, nil, err
	}
	missing = map[string]enumspb.IndexedValueType{}
	for name, kind := range searchAttributes() {
		switch have, ok := known.GetCustomAttributes()[name]; {
		case !ok:
			missing[name] = kind
		case have != kind:
			wrong = append(wrong, name)
		}
	}
	slices.Sort(wrong)
	return missing, wrong, nil
}

// attributeCommands are the lines for those who may not add search attributes through the API.
func attributeCommands(cfg *Config) string {
	lines := []string{"On Temporal Cloud, or without the right, have somebody run once:"}
	all := searchAttributes()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		lines = append(lines, fmt.Sprintf("  temporal operator search-attribute create --namespace %s --name %s --type %s", cfg.Namespace(), name, all[name]))
	}
	return strings.Join(append(lines, "or for Temporal Cloud: tcld namespace search-attributes add --namespace "+cfg.Namespace()+" --sa NAME=TYPE"), "\n")
}
